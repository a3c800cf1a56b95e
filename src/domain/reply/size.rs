//! Sizes as people say them.

/// "512 MiB", "31.2 GiB", of KiB.
pub(super) fn size(kib: u64) -> String {
    match kib {
        0..1_048_576 => format!("{} MiB", kib / 1_024),
        _ => format!("{}.{} GiB", kib / 1_048_576, kib % 1_048_576 * 10 / 1_048_576),
    }
}
