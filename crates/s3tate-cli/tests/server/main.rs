//! The state server as a program: stock clients through it, and raw requests where no client sends them.

mod audit;
mod browser;
mod certificates;
mod checks;
mod chromium;
mod commands;
mod doors;
mod history;
mod identity;
mod limits;
mod locking;
mod lost;
mod measures;
mod openapi;
mod packaging;
mod program;
mod raw;
mod reads;
mod reload;
mod replicas;
mod shown;
mod smuggling;
mod stage;
mod traces;
mod ui;
mod writes;
