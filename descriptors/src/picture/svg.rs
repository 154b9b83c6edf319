//! Drawing: places of rails and boxes, and the SVG text.

use std::fmt::Write;

use super::{Node, Picture, Rail};

const MARGIN: u32 = 24;
const TITLE: u32 = 44;
const RAIL: u32 = 32;
const RAIL_HEIGHT: u32 = 8;
const GAP: u32 = 36;
const PORT: u32 = 88;
const LINE: u32 = 18;
/// Width of a character of the text in a box, in pixels, generously.
const CHAR: u32 = 8;
/// Longest text before it is cut, in characters.
const LONGEST: usize = 42;
const COLOURS: [&str; 6] = ["#2f6f9f", "#3d7d3a", "#8a5a00", "#7a3f8f", "#a03b3b", "#2a7a78"];

pub(super) fn draw(picture: &Picture) -> String {
    let widths: Vec<u32> = picture.boxes.iter().map(width).collect();
    let inner = widths.iter().sum::<u32>() + GAP * u32::try_from(widths.len().saturating_sub(1)).unwrap_or(0);
    let notes = picture.notes.iter().map(|note| text_width(note)).max().unwrap_or(0);
    // Labels have a column of their own: no line to a box crosses them.
    let left = MARGIN + picture.rails.iter().map(|rail| text_width(&label(rail))).max().unwrap_or(0) + 12;
    let inner = (left - MARGIN + inner.max(200)).max(text_width(&picture.title) + 40).max(notes);
    let lines = picture.boxes.iter().map(|b| b.lines.len()).max().unwrap_or(0);
    let box_height = 34 + LINE * u32::try_from(lines).unwrap_or(0) + 10;
    let boxes_at = MARGIN + TITLE + RAIL * count(picture.rails.len()) + 44;
    let bottom = boxes_at + if picture.boxes.is_empty() { 0 } else { box_height };
    let height = bottom + 16 + LINE * count(picture.notes.len()) + MARGIN;
    // The name of the last connection point may stand out to the right of its box.
    let full = inner + 2 * MARGIN + PORT / 2;

    let mut svg = String::new();
    let _ = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{full}\" height=\"{height}\" viewBox=\"0 0 {full} {height}\" role=\"img\" aria-label=\"{}\" font-family=\"system-ui, sans-serif\" font-size=\"13\">\n<rect width=\"{full}\" height=\"{height}\" fill=\"#ffffff\"/>\n<text x=\"{MARGIN}\" y=\"{}\" font-size=\"17\" font-weight=\"600\" fill=\"#1c2733\">{}</text>\n",
        escape(&picture.title),
        MARGIN + 18,
        escape(&picture.title)
    );
    for (i, rail) in picture.rails.iter().enumerate() {
        draw_rail(&mut svg, rail, rail_y(i), (left, full - MARGIN - left), colour(i));
    }
    let mut x = left;
    for (node, width) in picture.boxes.iter().zip(&widths) {
        draw_box(&mut svg, node, x, boxes_at, *width, box_height);
        x += width + GAP;
    }
    for (i, note) in picture.notes.iter().enumerate() {
        let y = bottom + 16 + LINE * (count(i) + 1);
        let _ = writeln!(svg, "<text x=\"{MARGIN}\" y=\"{y}\" fill=\"#4a5866\">{}</text>", escape(&cut(note)));
    }
    svg.push_str("</svg>\n");
    svg
}

fn draw_rail(svg: &mut String, rail: &Rail, y: u32, (x, width): (u32, u32), colour: &str) {
    let dashes = if rail.outside { " stroke-dasharray=\"6 4\"" } else { "" };
    let fill = if rail.outside { "#ffffff" } else { colour };
    let _ = writeln!(
        svg,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{RAIL_HEIGHT}\" rx=\"4\" fill=\"{fill}\" stroke=\"{colour}\"{dashes}/>\n<text x=\"{MARGIN}\" y=\"{}\" fill=\"{colour}\">{}</text>",
        y + RAIL_HEIGHT / 2 + 1,
        escape(&label(rail))
    );
}

fn draw_box(svg: &mut String, node: &Node, x: u32, y: u32, width: u32, height: u32) {
    for (i, (port, rail)) in node.ports.iter().enumerate() {
        let at = x + PORT / 2 + PORT * count(i);
        let (top, colour) = (rail_y(*rail) + RAIL_HEIGHT, colour(*rail));
        let _ = writeln!(
            svg,
            "<line x1=\"{at}\" y1=\"{top}\" x2=\"{at}\" y2=\"{y}\" stroke=\"{colour}\" stroke-width=\"2\"/>\n<circle cx=\"{at}\" cy=\"{top}\" r=\"4\" fill=\"{colour}\"/>\n<text x=\"{}\" y=\"{}\" font-size=\"11\" fill=\"{colour}\">{}</text>",
            at + 5,
            y - 6,
            escape(&short(port, 12))
        );
    }
    // Copies stand behind the first.
    if !node.count.is_empty() {
        let _ = writeln!(
            svg,
            "<rect x=\"{}\" y=\"{}\" width=\"{width}\" height=\"{height}\" rx=\"6\" fill=\"#e3e9ef\" stroke=\"#8796a5\"/>",
            x + 5,
            y + 5
        );
    }
    let head = if node.count.is_empty() { node.name.clone() } else { format!("{} × {}", node.name, node.count) };
    let _ = writeln!(
        svg,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"6\" fill=\"#f4f7fa\" stroke=\"#4a5866\"/>\n<text x=\"{}\" y=\"{}\" font-weight=\"600\" fill=\"#1c2733\">{}</text>",
        x + 10,
        y + 22,
        escape(&cut(&head))
    );
    for (i, line) in node.lines.iter().enumerate() {
        let at = y + 22 + LINE * (count(i) + 1);
        let _ = writeln!(svg, "<text x=\"{}\" y=\"{at}\" fill=\"#4a5866\">{}</text>", x + 10, escape(&cut(line)));
    }
}

fn rail_y(i: usize) -> u32 {
    MARGIN + TITLE + RAIL * count(i)
}

fn colour(i: usize) -> &'static str {
    COLOURS[i % COLOURS.len()]
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX / RAIL)
}

fn label(rail: &Rail) -> String {
    let all = if rail.note.is_empty() { rail.name.clone() } else { format!("{}   {}", rail.name, rail.note) };
    if all.chars().count() > 2 * LONGEST { short(&all, 2 * LONGEST) } else { all }
}

fn width(node: &Node) -> u32 {
    let head = format!("{} × {}", node.name, node.count);
    let text = node.lines.iter().map(|line| text_width(line)).chain([text_width(&head)]).max().unwrap_or(0);
    (text + 24).max(PORT * count(node.ports.len())).max(120)
}

fn text_width(text: &str) -> u32 {
    CHAR * count(text.chars().count().min(2 * LONGEST))
}

fn cut(text: &str) -> String {
    short(text, 2 * LONGEST)
}

fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// XML text: markup is escaped, and what XML cannot hold is left out.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push(' '),
            '\u{fffe}' | '\u{ffff}' => {}
            c => out.push(c),
        }
    }
    out
}
