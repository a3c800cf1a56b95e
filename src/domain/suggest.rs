//! "Did you mean": the nearest name, or none when nothing is near.

/// What is longer is near to nothing: names have 64 characters at most, and
/// comparing takes time with both lengths.
const LONGEST: usize = 128;

/// The candidate nearest to what was written. Far-off ones are not offered:
/// a wrong suggestion is worse than none.
pub fn nearest<S: AsRef<str>>(written: &str, candidates: impl IntoIterator<Item = S>) -> Option<S> {
    if written.chars().nth(LONGEST).is_some() {
        return None;
    }
    let written = written.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (closeness(&written, &candidate.as_ref().to_lowercase()), candidate))
        .filter(|(closeness, _)| *closeness >= 0.6)
        // The first of equals, so that the answer does not depend on luck.
        .fold(None::<(f64, S)>, |best, next| match best {
            Some(best) if best.0 >= next.0 => Some(best),
            _ => Some(next),
        })
        .map(|(_, candidate)| candidate)
}

fn closeness(written: &str, candidate: &str) -> f64 {
    let edits = strsim::normalized_damerau_levenshtein(written, candidate);
    // Somebody who stops typing early means the longer name.
    let begun = written.chars().count() >= 3 && candidate.contains(written);
    if begun { edits.max(0.8) } else { edits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_offered_and_far_ones_are_not() {
        let names = || ["matrix-bridge", "kokoro", "parakeet"].map(str::to_owned);
        assert_eq!(nearest("matrx-bridge", names()).as_deref(), Some("matrix-bridge"));
        assert_eq!(nearest("bridge", names()).as_deref(), Some("matrix-bridge"));
        assert_eq!(nearest("Kokoor", names()).as_deref(), Some("kokoro"));
        assert_eq!(nearest("zzz", names()), None);
        let long = "x".repeat(LONGEST + 1);
        assert_eq!(nearest(&long, [long.clone()]), None, "not compared at all");
    }
}
