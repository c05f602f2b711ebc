//! The filter with the shipped model: a line of JSON in, one out.

use std::cell::RefCell;
use std::io::{self, BufReader, BufWriter, Read, Write};

use tocsin_classifier::filter;

use super::classifier;

#[test]
fn the_filter_answers_every_line_in_order_and_counts_the_bad_ones() {
    let lines = "{\"id\":\"a\",\"text\":\"Shares rise\"}\nnot json\n\n{\"id\":\"b\",\"text\":\"Bank fails\",\"targets\":[\"Bank\"]}\n{\"id\":\"c\"}\n";
    let mut out = Vec::new();
    let options = filter::FilterOptions { all: true, batch: 2, ..filter::FilterOptions::default() };
    let summary = filter::run(classifier(), BufReader::new(lines.as_bytes()), &mut out, options).unwrap();
    assert_eq!((summary.lines, summary.errors), (5, 3));
    let out: Vec<serde_json::Value> =
        String::from_utf8(out).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(out.len(), 5);
    assert_eq!((&out[0]["id"], &out[3]["id"]), (&"a".into(), &"b".into()));
    for bad in [1, 2, 4] {
        assert_eq!(out[bad]["line"], bad + 1);
        assert!(out[bad]["error"].is_string());
    }
    assert_eq!(out[0]["topics"].as_array().unwrap().len(), 30);
    assert_eq!(out[0]["risk_events"].as_array().unwrap().len(), 32);
    assert_eq!(out[0]["model"]["quantization"], "int8");
}

/// A caller that sends a line, waits for the answer to it before the next, and is cut off at the end.
struct Caller<'a> {
    lines: &'a [&'a str],
    sent: usize,
    answered: &'a RefCell<Vec<u8>>,
}

impl Read for Caller<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let answers = self.answered.borrow().iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(answers, self.sent, "lines before the next was there");
        let line = self.lines.get(self.sent).ok_or_else(|| io::Error::other("cut off"))?;
        self.sent += 1;
        buffer[..line.len()].copy_from_slice(line.as_bytes());
        Ok(line.len())
    }
}

/// What reached the caller.
struct Answers<'a>(&'a RefCell<Vec<u8>>);

impl Write for Answers<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_line_is_answered_before_the_next_is_there_also_where_reading_fails_then() {
    let answered = RefCell::new(Vec::new());
    let lines = ["{\"text\":\"Shares rise\"}\n", "bad\n", "{\"text\":\"Shares fall\"}\n"];
    let caller = Caller { lines: &lines, sent: 0, answered: &answered };
    let (reader, writer) = (BufReader::new(caller), BufWriter::new(Answers(&answered)));
    let error = filter::run(classifier(), reader, writer, filter::FilterOptions::default()).unwrap_err();
    assert!(error.to_string().contains("standard input"), "{error}");
    assert_eq!(answered.borrow().iter().filter(|byte| **byte == b'\n').count(), lines.len());
}

#[test]
fn the_mark_in_front_of_a_file_costs_no_line() {
    let lines = "\u{feff}{\"id\":1,\"text\":\"Shares rise\"}\n\u{feff}{\"text\":\"Shares rise\"}\n";
    let mut out = Vec::new();
    let options = filter::FilterOptions::default();
    let summary = filter::run(classifier(), BufReader::new(lines.as_bytes()), &mut out, options).unwrap();
    assert_eq!((summary.lines, summary.errors), (2, 1), "a mark in the midst is an error");
    assert!(out.starts_with(b"{\"entities\""), "{}", String::from_utf8_lossy(&out));
}

#[test]
fn an_explanation_names_the_word_that_carries_the_sentiment() {
    let options = filter::FilterOptions { explain: true, ..filter::FilterOptions::default() };
    let line = "{\"text\":\"The company said on Monday that its shares plunged\"}\n";
    let mut out = Vec::new();
    filter::run(classifier(), BufReader::new(line.as_bytes()), &mut out, options).unwrap();
    let out: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(out["explain"][0]["text"], "plunged", "{out}");
    assert_eq!((&out["explain"][0]["start"], &out["explain"][0]["end"]), (&43.into(), &50.into()));
    assert!(out["explain"][0]["weight"].as_f64().unwrap() > 0.1, "{out}");
}
