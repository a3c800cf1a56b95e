//! The `opsroom` binary.

fn main() {}
