//! The same configurations through stock Terraform 1.11.4 and through s3tate: same verdict, same requests.
//!
//! Each case runs `init` with both programs, and `state push` where it writes, against moto behind a proxy that writes
//! down host, path, region, key and headers. `DIFFERENTIAL_ONLY=text` runs the cases whose names contain the text.
//! `DIFFERENTIAL_WRITE=true` writes the list of deviations into the documentation.

mod attributes;
mod case;
mod cases;
mod deviations;
mod facts;
mod run;
mod suite;
