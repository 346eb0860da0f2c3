//! What the model shows, what it needs to show it, and that it is a model of the code that is there.

mod broken;
mod explore;
mod pages;
