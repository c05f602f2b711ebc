//! The report as one picture, SVG or PNG: calibration, abstaining, confusion, scores by
//! set. Needs no font of the system: a viewer has its own for SVG, and PNG uses small ones
//! that are compiled in.

mod bitmap;

use std::path::{Path, PathBuf};

use plotters::chart::{ChartBuilder, ChartContext, SeriesLabelPosition};
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{PathElement, Rectangle, Text};
use plotters::prelude::{Cartesian2d, DrawingBackend, SVGBackend};
use plotters::series::LineSeries;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{BLACK, Color, IntoFont, RGBColor, TextStyle, WHITE};

use super::EvalReport;
use super::metrics::ClassReport;
use crate::error::{ClassifierError, Result};
use bitmap::Bitmap;

/// Pixels, where there are not too many sets for it.
const SIZE: (u32, u32) = (1200, 960);
/// Those of the upper two panels, of a bar with its name, and of what is around all bars.
const UPPER: u32 = 460;
const BAR_HEIGHT: u32 = 16;
const AROUND_BARS: u32 = 100;
const FONT: &str = "sans-serif";
/// The slices that curves are drawn for.
const CURVES: [(&str, RGBColor); 3] =
    [("all", RGBColor(40, 40, 40)), ("lang en", RGBColor(31, 119, 180)), ("lang zh", RGBColor(214, 69, 48))];
const BAR: RGBColor = RGBColor(31, 119, 180);

/// A file that a report is to be drawn to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    path: PathBuf,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Svg,
    Png,
}

impl Picture {
    /// An error when the name ends in neither `.svg` nor `.png`, or there is no folder for it.
    pub fn new(path: &Path) -> Result<Self> {
        let extension = path.extension().map(|e| e.to_ascii_lowercase());
        let kind = match extension.as_ref().and_then(|e| e.to_str()) {
            Some("svg") => Kind::Svg,
            Some("png") => Kind::Png,
            _ => return Err(ClassifierError::unfit(path, "picture", "its name takes .svg or .png")),
        };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir());
        if let Some(folder) = folder {
            let reason = format!("there is no folder {}", folder.display());
            return Err(ClassifierError::unfit(path, "picture", reason));
        }
        Ok(Self { path: path.to_owned(), kind })
    }

    pub fn draw(&self, report: &EvalReport) -> Result<()> {
        let fail = |reason: String| ClassifierError::unfit(&self.path, "picture", reason);
        let size = size(report);
        let bytes = match self.kind {
            Kind::Svg => {
                let mut text = String::new();
                panels(SVGBackend::with_string(&mut text, size), report).map_err(fail)?;
                text.into_bytes()
            }
            Kind::Png => {
                let mut pixels = vec![255; (size.0 * size.1 * 3) as usize];
                panels(Bitmap::new(&mut pixels, size), report).map_err(fail)?;
                bitmap::encode(&pixels, size).map_err(|e| fail(e.to_string()))?
            }
        };
        std::fs::write(&self.path, bytes).map_err(|e| ClassifierError::write(&self.path, e))
    }
}

/// So high that the names of the bars do not overlap.
fn size(report: &EvalReport) -> (u32, u32) {
    let bars = by_set(report).len() as u32;
    (SIZE.0, SIZE.1.max(UPPER + AROUND_BARS + BAR_HEIGHT * bars))
}

type Area<B> = DrawingArea<B, Shift>;
type Drawn = std::result::Result<(), String>;
type Chart<'a, B> = ChartContext<'a, B, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn panels<B: DrawingBackend>(backend: B, report: &EvalReport) -> Drawn {
    let root = backend.into_drawing_area();
    root.fill(&WHITE).map_err(told)?;
    let model = &report.model;
    let title = format!("{} {} ({}), {} texts", model.name, model.version, model.quantization, report.texts);
    let rest = root.titled(&title, (FONT, 24)).map_err(told)?;
    let (upper, lower) = rest.split_vertically(UPPER);
    let areas = [upper, lower].into_iter().flat_map(|half| half.split_evenly((1, 2)));
    let draw: [fn(&Area<B>, &EvalReport) -> Drawn; 4] = [calibration, abstaining, confusion, scores];
    for (area, draw) in areas.zip(draw) {
        draw(&area, report)?;
    }
    root.present().map_err(told)
}

/// Axes with a frame and grid; `x` and `y` are what they show and their range.
fn axes<'a, B: DrawingBackend>(
    area: &'a Area<B>,
    title: &str,
    x: (&str, std::ops::Range<f64>),
    y: (&str, std::ops::Range<f64>),
) -> std::result::Result<Chart<'a, B>, String> {
    let mut chart = ChartBuilder::on(area)
        .caption(title, (FONT, 18))
        .margin(14)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(x.1, y.1)
        .map_err(told)?;
    let number = |value: &f64| format!("{value:.2}");
    chart
        .configure_mesh()
        .x_desc(x.0)
        .y_desc(y.0)
        .x_label_formatter(&number)
        .y_label_formatter(&number)
        .light_line_style(WHITE)
        .draw()
        .map_err(told)?;
    Ok(chart)
}

/// A line for each of [`CURVES`] that the report has, with its name.
fn curves<'a, B: DrawingBackend + 'a>(
    chart: &mut Chart<'a, B>,
    report: &EvalReport,
    names: SeriesLabelPosition,
    points: impl Fn(&ClassReport) -> Vec<(f64, f64)>,
) -> Drawn {
    for (slice, colour) in CURVES {
        let Some(scored) = report.sentiment.get(slice) else { continue };
        chart
            .draw_series(LineSeries::new(points(scored), colour.stroke_width(2)))
            .map_err(told)?
            .label(format!("{slice} ({})", scored.count))
            .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 16, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(names)
        .background_style(WHITE)
        .border_style(BLACK.mix(0.3))
        .label_font((FONT, 14))
        .draw()
        .map_err(told)
}

fn calibration<B: DrawingBackend>(area: &Area<B>, report: &EvalReport) -> Drawn {
    let mut chart = axes(area, "Calibration of sentiment", ("confidence", 0.3..1.0), ("accuracy", 0.0..1.0))?;
    let ideal = LineSeries::new([(0.3, 0.3), (1.0, 1.0)], BLACK.mix(0.3));
    chart.draw_series(ideal).map_err(told)?;
    curves(&mut chart, report, SeriesLabelPosition::LowerRight, |scored| {
        let filled = scored.bins.iter().filter(|bin| bin.count > 0);
        filled.map(|bin| (bin.confidence, bin.accuracy)).collect()
    })
}

fn abstaining<B: DrawingBackend>(area: &Area<B>, report: &EvalReport) -> Drawn {
    let worst = report.sentiment.values().map(|scored| scored.accuracy).fold(1.0, f64::min);
    let from = ((worst - 0.02) * 20.0).floor().max(0.0) / 20.0;
    let (x, y) = (("share of texts answered", 0.0..1.0), ("accuracy of the answers", from..1.0));
    let mut chart = axes(area, "Abstaining: the surest answers first", x, y)?;
    curves(&mut chart, report, SeriesLabelPosition::LowerLeft, |scored| {
        scored.abstain.iter().map(|p| (p.coverage, p.accuracy)).collect()
    })
}

/// Text in the middle of a cell, or before a bar.
fn label(size: u32, colour: &RGBColor, anchor: HPos) -> TextStyle<'static> {
    (FONT, size).into_font().color(colour).pos(Pos::new(anchor, VPos::Center))
}

fn confusion<B: DrawingBackend>(area: &Area<B>, report: &EvalReport) -> Drawn {
    let Some(all) = report.sentiment.get("all") else { return Ok(()) };
    let count = all.classes.len() as f64;
    let mut chart = ChartBuilder::on(area)
        .caption("Confusion of sentiment (rows: truth, columns: answer)", (FONT, 18))
        .margin(14)
        .build_cartesian_2d(-0.9..count, -0.4..count)
        .map_err(told)?;
    for (row, (class, cells)) in all.classes.iter().zip(&all.confusion).enumerate() {
        let (low, support) = (count - 1.0 - row as f64, class.support.max(1) as f64);
        let names = [
            Text::new(class.name.clone(), (-0.05, low + 0.5), label(16, &BLACK, HPos::Right)),
            Text::new(class.name.clone(), (row as f64 + 0.5, -0.15), label(16, &BLACK, HPos::Center)),
        ];
        chart.draw_series(names).map_err(told)?;
        for (column, cell) in cells.iter().enumerate() {
            let (left, share) = (column as f64, *cell as f64 / support);
            let square = Rectangle::new([(left, low), (left + 1.0, low + 1.0)], BAR.mix(share).filled());
            chart.draw_series([square]).map_err(told)?;
            let colour = if share > 0.5 { WHITE } else { BLACK };
            let text = format!("{cell} ({:.0} %)", 100.0 * share);
            let text = Text::new(text, (left + 0.5, low + 0.5), label(16, &colour, HPos::Center));
            chart.draw_series([text]).map_err(told)?;
        }
    }
    Ok(())
}

/// Each set's score: accuracy where one answer is right, else micro-F1.
fn by_set(report: &EvalReport) -> Vec<(String, f64)> {
    let sets = |task: &'static str, slice: &str, score: f64| {
        Some((format!("{task}, {}", slice.strip_prefix("set ")?), score))
    };
    let one = [
        ("sentiment", &report.sentiment),
        ("negative", &report.negative),
        ("names", &report.name_sentiment),
        ("names negative", &report.name_negative),
        ("events of names", &report.name_event),
    ];
    let many = [("topics", &report.topics), ("events", &report.risk_events)];
    let one =
        one.iter().flat_map(|(task, slices)| slices.iter().filter_map(|(s, r)| sets(task, s, r.accuracy)));
    let many =
        many.iter().flat_map(|(task, slices)| slices.iter().filter_map(|(s, r)| sets(task, s, r.micro_f1)));
    one.chain(many).collect()
}

fn scores<B: DrawingBackend>(area: &Area<B>, report: &EvalReport) -> Drawn {
    let bars = by_set(report);
    let count = bars.len().max(1) as f64;
    let mut chart = ChartBuilder::on(area)
        .caption("By set: accuracy, of topics and events micro-F1", (FONT, 18))
        .margin(14)
        .build_cartesian_2d(-0.75..1.12, 0.0..count)
        .map_err(told)?;
    for (place, (name, score)) in bars.iter().enumerate() {
        let low = count - 1.0 - place as f64;
        let bar = Rectangle::new([(0.0, low + 0.15), (*score, low + 0.85)], BAR.mix(0.8).filled());
        chart.draw_series([bar]).map_err(told)?;
        let texts = [
            Text::new(name.clone(), (-0.02, low + 0.5), label(14, &BLACK, HPos::Right)),
            Text::new(format!("{score:.3}"), (score + 0.01, low + 0.5), label(14, &BLACK, HPos::Left)),
        ];
        chart.draw_series(texts).map_err(told)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
