//! The report as text and as Markdown rows.

use std::collections::BTreeMap;

use super::EvalReport;
use super::metrics::{ClassReport, ClassScore, LabelReport};

/// Confusions of more classes than this are listed, not drawn as a square.
const MOST_COLUMNS: usize = 6;
/// How many of them.
const MOST_LISTED: usize = 10;

impl EvalReport {
    /// A report for people: the short table, then each task by slice.
    pub fn text(&self) -> String {
        let mut out = format!(
            "{} {} ({}), {} texts\n\n",
            self.model.name, self.model.version, self.model.quantization, self.texts
        );
        out += &self.table();
        for (title, reports) in self.one() {
            reports.iter().for_each(|(slice, report)| out += &classes(&format!("{title}, {slice}"), report));
        }
        for (title, reports) in self.many() {
            for (slice, report) in reports {
                out += &format!("\n{title}, {slice}\n{}", scores(&report.labels));
                out += &below(&report.labels, &micro(report));
            }
        }
        out
    }

    fn one(&self) -> [(&'static str, &BTreeMap<String, ClassReport>); 5] {
        [
            ("sentiment", &self.sentiment),
            ("negative or not", &self.negative),
            ("sentiment of names", &self.name_sentiment),
            ("names negative or not", &self.name_negative),
            ("event of names", &self.name_event),
        ]
    }

    fn many(&self) -> [(&'static str, &BTreeMap<String, LabelReport>); 2] {
        [("topics", &self.topics), ("risk events", &self.risk_events)]
    }

    /// One row a task and slice.
    pub fn table(&self) -> String {
        let mut out = "| task | slice | texts | accuracy | macro-F1 | micro-F1 | ECE |\n|---|---|---|---|---|---|---|\n".to_owned();
        for (task, reports) in self.one() {
            reports.iter().for_each(|(slice, r)| out += &class_row(task, slice, r));
        }
        for (task, reports) in self.many() {
            reports.iter().for_each(|(slice, r)| out += &label_row(task, slice, r));
        }
        for (slice, accuracy) in &self.top_topic {
            out += &format!("| top topic | {slice} | | {accuracy:.3} | | | |\n");
        }
        out
    }
}

fn class_row(task: &str, slice: &str, r: &ClassReport) -> String {
    format!("| {task} | {slice} | {} | {:.3} | {:.3} | | {:.3} |\n", r.count, r.accuracy, r.macro_f1, r.ece)
}

fn label_row(task: &str, slice: &str, r: &LabelReport) -> String {
    format!("| {task} | {slice} | {} | | {:.3} | {:.3} | |\n", r.count, r.macro_f1, r.micro_f1)
}

/// Scores by class, confusion, calibration and abstaining of one slice.
fn classes(title: &str, report: &ClassReport) -> String {
    let mut out = format!("\n{title}\n{}", scores(&report.classes));
    let accuracy = format!("{:>22} {:>29.3} {:>9}\n", "accuracy", report.accuracy, report.count);
    out += &below(&report.classes, &accuracy);
    out += &if report.classes.len() > MOST_COLUMNS { confusions(report) } else { square(report) };
    out += "\nconfidence    texts  confidence  accuracy\n";
    for bin in report.bins.iter().filter(|bin| bin.count > 0) {
        let range = format!("{:.1} to {:.1}", bin.from, bin.to);
        out += &format!("{range:<12}{:>7}{:>12.3}{:>10.3}\n", bin.count, bin.confidence, bin.accuracy);
    }
    out += "\nanswered  confidence from  accuracy\n";
    for point in report.abstain.iter().step_by(2) {
        let (coverage, from) = (point.coverage, point.confidence);
        out += &format!("{coverage:>8.3}{from:>17.3}{:>10.3}\n", point.accuracy);
    }
    out
}

fn square(report: &ClassReport) -> String {
    let mut out = "\nconfusion (rows: truth, columns: answer)\n".to_owned();
    for (class, row) in report.classes.iter().zip(&report.confusion) {
        let cells: Vec<String> = row.iter().map(|n| format!("{n:>7}")).collect();
        out += &format!("{:>22}{}\n", class.name, cells.concat());
    }
    out
}

/// The most frequent mistakes.
fn confusions(report: &ClassReport) -> String {
    let name = |at: usize| report.classes.get(at).map_or("", |class| class.name.as_str());
    let cells = report.confusion.iter().enumerate();
    let cells =
        cells.flat_map(|(truth, row)| row.iter().enumerate().map(move |(answer, n)| (truth, answer, *n)));
    let mut wrong: Vec<_> = cells.filter(|(truth, answer, n)| truth != answer && *n > 0).collect();
    wrong.sort_by_key(|(truth, answer, n)| (std::cmp::Reverse(*n), *truth, *answer));
    let mut out = "\nmost confused (truth, answer)\n".to_owned();
    for (truth, answer, n) in wrong.into_iter().take(MOST_LISTED) {
        out += &format!("{n:>7}  {}, {}\n", name(truth), name(answer));
    }
    out
}

/// Of the classes that occur, as truth or as answer.
fn scores(scores: &[ClassScore]) -> String {
    let mut out = format!("{:>22} {:>9} {:>9} {:>9} {:>9}\n", "", "precision", "recall", "f1", "support");
    for s in scores.iter().filter(|s| s.occurs()) {
        out += &row(&s.name, [s.precision, s.recall, s.f1], s.support);
    }
    out
}

fn row(name: &str, [precision, recall, f1]: [f64; 3], support: usize) -> String {
    format!("{name:>22} {precision:>9.3} {recall:>9.3} {f1:>9.3} {support:>9}\n")
}

/// What scikit-learn has below the classes: `whole`, and the means over those that occur, plain and by support.
fn below(scores: &[ClassScore], whole: &str) -> String {
    let seen: Vec<&ClassScore> = scores.iter().filter(|s| s.occurs()).collect();
    if seen.is_empty() {
        return String::new();
    }
    let support: usize = seen.iter().map(|s| s.support).sum();
    let mean = |weight: &dyn Fn(&ClassScore) -> f64| {
        let all = seen.iter().map(|s| weight(s)).sum::<f64>().max(1.0);
        let of = |value: fn(&ClassScore) -> f64| seen.iter().map(|s| weight(s) * value(s)).sum::<f64>() / all;
        [of(|s| s.precision), of(|s| s.recall), of(|s| s.f1)]
    };
    let plain = row("macro avg", mean(&|_| 1.0), support);
    let weighted = row("weighted avg", mean(&|s| s.support as f64), support);
    format!("\n{whole}{plain}{weighted}")
}

/// Precision, recall and F1 of all answers together.
fn micro(report: &LabelReport) -> String {
    let sum = |of: fn(&ClassScore) -> f64| report.labels.iter().map(of).sum::<f64>();
    let hits = sum(|s| s.precision * s.answered as f64);
    let (answered, support) = (sum(|s| s.answered as f64), sum(|s| s.support as f64));
    let scores = [hits / answered.max(1.0), hits / support.max(1.0), report.micro_f1];
    row("micro avg", scores, report.labels.iter().map(|s| s.support).sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::metrics;

    #[test]
    fn a_class_that_is_answered_and_never_true_is_printed() {
        let names = ["calm", "storm", "fog"].map(str::to_owned);
        let printed = scores(&metrics::classes(&names, &[(0, 0, 0.9), (0, 1, 0.6)]).classes);
        let shown = |name: &str| printed.contains(name);
        assert!(shown("calm") && shown("storm") && !shown("fog"), "{printed}");
    }

    /// The numbers of the line that begins with `name`.
    fn line(printed: &str, name: &str) -> Vec<String> {
        let line = printed.lines().find_map(|line| line.trim_start().strip_prefix(name));
        line.unwrap().split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn the_means_below_the_classes_are_those_of_scikit_learn() {
        // classification_report([0, 0, 1, 1, 2], [0, 1, 1, 1, 0], digits=3)
        let names = ["a", "b", "c", "d"].map(str::to_owned);
        let answers = [(0, 0, 0.9), (0, 1, 0.6), (1, 1, 0.8), (1, 1, 0.7), (2, 0, 0.5)];
        let printed = classes("made", &metrics::classes(&names, &answers));
        assert_eq!(line(&printed, "accuracy"), ["0.600", "5"]);
        assert_eq!(line(&printed, "macro avg"), ["0.389", "0.500", "0.433", "5"]);
        assert_eq!(line(&printed, "weighted avg"), ["0.467", "0.600", "0.520", "5"]);
        // The same of the sets {0}, {1}, {0, 1} answered as {0, 2}, {}, {0, 1}.
        let answers = [(vec![0], vec![0, 2]), (vec![1], vec![]), (vec![0, 1], vec![0, 1])];
        let report = metrics::labels(&names, &[true; 4], &answers);
        let printed = below(&report.labels, &micro(&report));
        assert_eq!(line(&printed, "micro avg"), ["0.750", "0.750", "0.750", "4"]);
        assert_eq!(line(&printed, "macro avg"), ["0.667", "0.500", "0.556", "4"]);
        assert_eq!(line(&printed, "weighted avg"), ["1.000", "0.750", "0.833", "4"]);
        assert_eq!(below(&[], ""), "");
    }
}
