//! What the house keeps out, and why. Rules that a compiler does not know are
//! checked here on the source text, and each one shows that it can fail.

mod bans;
mod circles;
mod runtimes;
mod source;
mod words;
