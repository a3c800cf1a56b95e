//! "Did you mean": the nearest of what is allowed.

/// The candidate nearest to what was written, unless all are far off: a wrong
/// suggestion is worse than none.
pub(super) fn nearest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a &'a str>) -> Option<&'a str> {
    let written = written.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::normalized_damerau_levenshtein(&written, &candidate.to_lowercase()), *candidate))
        .filter(|(closeness, _)| *closeness >= 0.6)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, candidate)| candidate)
}
