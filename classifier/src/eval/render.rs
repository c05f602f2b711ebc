//! The report as text and as Markdown rows.

use std::fmt::Write;

use super::EvalReport;
use super::metrics::{ClassReport, ClassScore, LabelReport};

impl EvalReport {
    /// A report for people: the short table, then the classes of each task over all texts.
    pub fn text(&self) -> String {
        let mut out = format!(
            "{} {} ({}), {} texts\n\n",
            self.model.name, self.model.version, self.model.quantization, self.texts
        );
        out += &self.table();
        for (title, reports) in [("sentiment", &self.sentiment), ("sentiment of names", &self.name_sentiment)]
        {
            if let Some(all) = reports.get("all") {
                out += &classes(title, all);
            }
        }
        for (title, reports) in [("topics", &self.topics), ("risk events", &self.risk_events)] {
            if let Some(all) = reports.get("all") {
                out += &format!("\n{title}\n{}", scores(&all.labels));
            }
        }
        out
    }

    /// One row a task and slice.
    pub fn table(&self) -> String {
        let mut out = "| task | slice | texts | accuracy | macro-F1 | micro-F1 | ECE |\n|---|---|---|---|---|---|---|\n".to_owned();
        let one = [
            ("sentiment", &self.sentiment),
            ("sentiment of names", &self.name_sentiment),
            ("event of names", &self.name_event),
        ];
        for (task, reports) in one {
            reports.iter().for_each(|(slice, r)| out += &class_row(task, slice, r));
        }
        for (task, reports) in [("topics", &self.topics), ("risk events", &self.risk_events)] {
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

fn classes(title: &str, report: &ClassReport) -> String {
    let mut out = format!("\n{title}\n{}\nconfusion (rows: truth)\n", scores(&report.classes));
    for (class, row) in report.classes.iter().zip(&report.confusion) {
        let cells: Vec<String> = row.iter().map(|n| format!("{n:>7}")).collect();
        out += &format!("{:>22}{}\n", class.name, cells.concat());
    }
    out
}

fn scores(scores: &[ClassScore]) -> String {
    let mut out = format!("{:>22} {:>9} {:>9} {:>9} {:>9}\n", "", "precision", "recall", "f1", "support");
    for s in scores {
        // Writing to a string cannot fail.
        if writeln!(
            out,
            "{:>22} {:>9.3} {:>9.3} {:>9.3} {:>9}",
            s.name, s.precision, s.recall, s.f1, s.support
        )
        .is_err()
        {
            break;
        }
    }
    out
}
