//! The library against the embedded endpoint; after each step the store itself is looked into.

mod bootstrap;
mod breaking;
mod breaking_locks;
mod caches;
mod conformance;
mod doctor;
mod dropped;
mod encryption;
mod fuzzed;
mod history;
mod hostile;
mod http_rules;
mod kept;
mod locks;
mod lost_replies;
mod odd_states;
mod parts;
mod provider_rules;
mod reading;
mod reference;
mod scripted;
mod stage;
mod transfer;
mod unheard;
mod weaknesses;
mod writing;
