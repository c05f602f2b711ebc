//! Pixels for a picture in PNG: what the library draws comes as pixels, text from the
//! fonts of `embedded-graphics`.

use std::convert::Infallible;

use embedded_graphics::Drawable;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::mono_font::ascii::{FONT_7X13, FONT_10X20};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::BinaryColor;
use embedded_graphics::text::{Baseline, Text};
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{BackendColor, BackendCoord, BackendTextStyle, DrawingBackend, DrawingErrorKind};

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

/// Rows of red, green and blue, a byte each.
pub(super) struct Bitmap<'a> {
    pixels: &'a mut [u8],
    size: (u32, u32),
}

impl<'a> Bitmap<'a> {
    pub(super) fn new(pixels: &'a mut [u8], size: (u32, u32)) -> Self {
        Self { pixels, size }
    }
}

/// The picture as a PNG file.
pub(super) fn encode(pixels: &[u8], (width, height): (u32, u32)) -> Result<Vec<u8>, png::EncodingError> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(pixels)?;
    Ok(file)
}

fn font(size: f64) -> &'static MonoFont<'static> {
    if size < 20.0 { &FONT_7X13 } else { &FONT_10X20 }
}

/// Width and height of a line of text.
fn extent(text: &str, font: &MonoFont<'_>) -> (i32, i32) {
    let Size { width, height } = font.character_size;
    ((width + font.character_spacing) as i32 * text.chars().count() as i32, height as i32)
}

impl DrawingBackend for Bitmap<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, colour: BackendColor) -> Drawn {
        let (width, height) = self.size;
        let inside = |at: i32, size: u32| u32::try_from(at).ok().filter(|at| *at < size);
        let Some((x, y)) = inside(x, width).zip(inside(y, height)) else { return Ok(()) };
        let (red, green, blue) = colour.rgb;
        let place = 3 * (y * width + x) as usize;
        for (old, new) in self.pixels.iter_mut().skip(place).zip([red, green, blue]) {
            *old = (f64::from(*old) * (1.0 - colour.alpha) + f64::from(new) * colour.alpha).round() as u8;
        }
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, at: BackendCoord) -> Drawn {
        let font = font(style.size());
        let (width, height) = extent(text, font);
        let anchor = style.anchor();
        let dx = match anchor.h_pos {
            HPos::Left => 0,
            HPos::Center => -width / 2,
            HPos::Right => -width,
        };
        let dy = match anchor.v_pos {
            VPos::Top => 0,
            VPos::Center => -height / 2,
            VPos::Bottom => -height,
        };
        let mut glyphs = Glyphs { size: Size::new(width as u32, height as u32), points: Vec::new() };
        let style_of = MonoTextStyle::new(font, BinaryColor::On);
        // Collecting points cannot fail.
        let Ok(_) = Text::with_baseline(text, Point::zero(), style_of, Baseline::Top).draw(&mut glyphs);
        for point in glyphs.points {
            let (x, y) = style.transform().transform(point.x + dx, point.y + dy);
            self.draw_pixel((at.0 + x, at.1 + y), style.color())?;
        }
        Ok(())
    }

    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        let (width, height) = extent(text, font(style.size()));
        Ok((width as u32, height as u32))
    }
}

/// The points of a text.
struct Glyphs {
    size: Size,
    points: Vec<Point>,
}

impl OriginDimensions for Glyphs {
    fn size(&self) -> Size {
        self.size
    }
}

impl DrawTarget for Glyphs {
    type Color = BinaryColor;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Infallible>
    where
        I: IntoIterator<Item = embedded_graphics::Pixel<BinaryColor>>,
    {
        let lit = pixels.into_iter().filter(|pixel| pixel.1.is_on());
        self.points.extend(lit.map(|pixel| pixel.0));
        Ok(())
    }
}
