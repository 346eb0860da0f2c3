//! The state server as a program: stock clients through it, and raw requests where no client sends them.

mod commands;
mod locking;
mod raw;
mod reads;
mod stage;
mod writes;
