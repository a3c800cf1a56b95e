//! What is shown of the measurements.

use crate::samples::Samples;

/// One line.
pub(crate) struct Row {
    what: String,
    ours: String,
    theirs: String,
    count: String,
    result: String,
    goal: String,
}

/// What a ratio should be.
pub(crate) enum Goal {
    AtMost(f64),
    /// The other side takes so many times as long, or however many.
    Faster(Option<f64>),
    /// It is there to explain another row.
    None,
}

impl Row {
    /// Ours against another way, by the medians.
    pub(crate) fn ratio(what: &str, ours: &Samples, theirs: &Samples, goal: Goal) -> Self {
        let (result, goal) = match goal {
            Goal::Faster(goal) => {
                let faster = theirs.ratio_to(ours);
                let text = format!("{:.1}× as fast ({:.1}–{:.1})", faster.value, faster.low, faster.high);
                let goal = goal.map(|times| format!("≥ {times}× {}", mark(faster.value >= times)));
                (text, goal.unwrap_or_default())
            }
            goal @ (Goal::AtMost(_) | Goal::None) => {
                let ratio = ours.ratio_to(theirs);
                let text = format!("{:.2}× ({:.2}–{:.2})", ratio.value, ratio.low, ratio.high);
                let goal = match goal {
                    Goal::AtMost(most) => format!("≤ {most}× {}", mark(ratio.value <= most)),
                    Goal::Faster(_) | Goal::None => String::new(),
                };
                (text, goal)
            }
        };
        let count = if ours.count() == theirs.count() {
            ours.count().to_string()
        } else {
            format!("{}, {}", ours.count(), theirs.count())
        };
        Self { what: what.to_owned(), ours: times(ours), theirs: times(theirs), count, result, goal }
    }

    /// What ours adds to doing only that.
    pub(crate) fn added(what: &str, ours: &Samples, alone: &Samples) -> Self {
        let result = format!("+ {:.1} ms", ours.median() - alone.median());
        Self { result, ..Self::ratio(what, ours, alone, Goal::None) }
    }

    /// Times that have no other side, and what nineteen of twenty should not reach.
    pub(crate) fn times(what: &str, taken: &Samples, most: Option<f64>) -> Self {
        let p95 = taken.quantile(0.95);
        let goal = most.map(|most| (format!("p95 < {most} ms"), p95 < most));
        let longest = format!("{:.0} ms at most", taken.quantile(1.0));
        Self { ours: times(taken), count: taken.count().to_string(), ..Self::number(what, longest, goal) }
    }

    /// A number that has no other side.
    pub(crate) fn number(what: &str, result: String, goal: Option<(String, bool)>) -> Self {
        let goal = goal.map(|(goal, met)| format!("{goal} {}", mark(met))).unwrap_or_default();
        Self { what: what.to_owned(), ours: String::new(), theirs: String::new(), count: String::new(), result, goal }
    }
}

fn times(samples: &Samples) -> String {
    format!("{:.1} / {:.1}", samples.median(), samples.quantile(0.95))
}

fn mark(met: bool) -> &'static str {
    if met { "✓" } else { "✗" }
}

/// A table that can be read before it is rendered, too.
pub(crate) fn markdown(rows: &[Row]) -> String {
    let head = ["what", "ours, p50 / p95 ms", "against", "n", "result (95 %)", "goal"].map(str::to_owned);
    let cells = rows.iter().map(|r| [&r.what, &r.ours, &r.theirs, &r.count, &r.result, &r.goal].map(Clone::clone));
    let lines: Vec<[String; 6]> = std::iter::once(head).chain(cells).collect();
    let widths: Vec<usize> =
        (0..6).map(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0)).collect();
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        for (cell, width) in line.iter().zip(&widths) {
            text.push_str(&format!("| {cell}{} ", " ".repeat(width - cell.chars().count())));
        }
        text.push_str("|\n");
        if number == 0 {
            widths.iter().for_each(|width| text.push_str(&format!("|{}", "-".repeat(width + 2))));
            text.push_str("|\n");
        }
    }
    text
}
