//! What several commands read the same way.

use super::Fault;

/// The one service.
pub(super) fn one(args: &[&str]) -> Result<String, Fault> {
    only("service", args)
}

/// The one argument, of a kind.
pub(super) fn only(kind: &'static str, args: &[&str]) -> Result<String, Fault> {
    match args {
        [one] => Ok((*one).to_owned()),
        [] => Err(Fault::Missing(kind)),
        [_, extra, ..] => Err(Fault::Extra((*extra).to_owned())),
    }
}

/// No argument at all.
pub(super) fn nothing(args: &[&str]) -> Result<(), Fault> {
    match args {
        [] => Ok(()),
        [extra, ..] => Err(Fault::Extra((*extra).to_owned())),
    }
}

/// The flags among the arguments, and the others.
pub(super) fn flags<'a>(args: &[&'a str], known: &[&str]) -> Result<(Vec<&'a str>, Vec<&'a str>), Fault> {
    let (flags, rest): (Vec<&str>, Vec<&str>) = args.iter().partition(|arg| arg.starts_with("--"));
    match flags.iter().find(|flag| !known.contains(flag)) {
        Some(unknown) => Err(Fault::Extra((*unknown).to_owned())),
        None => Ok((flags, rest)),
    }
}
