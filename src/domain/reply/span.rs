//! Times and lengths of time as people say them.

use jiff::{SignedDuration, Timestamp};

/// "45 s", "12 min", "5 h", "3 d": how long something has been so.
pub fn rough(length: SignedDuration) -> String {
    let seconds = length.as_secs().max(0);
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// "0.8 s", "14 s", "4 min 10 s": how long something took.
pub fn exact(length: SignedDuration) -> String {
    let millis = length.as_millis().max(0);
    match millis {
        0..9_950 => format!("{}.{} s", (millis + 50) / 1_000, (millis + 50) % 1_000 / 100),
        9_950..119_500 => format!("{} s", (millis + 500) / 1_000),
        _ => format!("{} min {} s", millis / 60_000, millis % 60_000 / 1_000),
    }
}

/// How long ago, roughly. A host's clock may be ahead of ours: never negative.
pub fn since(then: Timestamp, now: Timestamp) -> String {
    rough(now.duration_since(then))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_read_as_people_say_them() {
        let ms = SignedDuration::from_millis;
        for (length, roughly, exactly) in [
            (ms(0), "0 s", "0.0 s"),
            (ms(840), "0 s", "0.8 s"),
            (ms(9_949), "9 s", "9.9 s"),
            (ms(9_951), "9 s", "10 s"),
            (ms(63_000), "63 s", "63 s"),
            (ms(250_000), "4 min", "4 min 10 s"),
            (ms(7_300_000), "2 h", "121 min 40 s"),
            (ms(300_000_000), "3 d", "5000 min 0 s"),
            (ms(-5_000), "0 s", "0.0 s"),
        ] {
            assert_eq!((rough(length).as_str(), exact(length).as_str()), (roughly, exactly));
        }
    }
}
