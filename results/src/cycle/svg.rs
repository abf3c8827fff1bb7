//! A picture that needs nothing else: light or dark as the reader's system is, and readable
//! without colours, for each dependency has a line of its own and its name beside it.
//!
//! Colours are attributes, and a style sheet replaces them in the dark: a program that knows no
//! style sheets draws the light picture.

use std::fmt::Write;

use maud::PreEscaped;

use super::{Arrow, Cycle, Dependency, Part, Transaction, wrap};

/// The width of a picture that is a file, in its own units.
const WIDTH: usize = 760;
/// The width of a character and the height of a line.
const CHARACTER: usize = 8;
const LINE: usize = 18;
/// Where boxes begin, and where arrows between them are.
const LEFT: usize = 44;
const ARROW: usize = 76;
const STYLE: &str = "<style>\n\
    .cycle text { font-family: ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace; \
    font-size: 13px; white-space: pre; }\n\
    .cycle .name { font-weight: bold; }\n\
    .cycle .text { fill: #1f2328; } .cycle .dim { fill: #57606a; }\n\
    .cycle .ww-fill { fill: #b3261e; } .cycle .wr-fill { fill: #0b5cad; }\n\
    .cycle .rw-fill { fill: #8a5a00; }\n\
    .cycle .process-fill { fill: #5b3cc4; } .cycle .realtime-fill { fill: #1b6e3c; }\n\
    @media (prefers-color-scheme: dark) {\n  \
    .cycle .page { fill: #16181d; }\n  \
    .cycle .box { fill: #22262e; stroke: #7d8694; }\n  \
    .cycle .text { fill: #e6e9ee; }\n  \
    .cycle .dim { fill: #a3abb8; }\n  \
    .cycle .ww { stroke: #ff9d8a; } .cycle .wr { stroke: #7cc4ff; }\n  \
    .cycle .rw { stroke: #f2c14e; }\n  \
    .cycle .process { stroke: #b9a5ff; } .cycle .realtime { stroke: #7fd6a4; }\n  \
    .cycle .ww-fill { fill: #ff9d8a; } .cycle .wr-fill { fill: #7cc4ff; }\n  \
    .cycle .rw-fill { fill: #f2c14e; }\n  \
    .cycle .process-fill { fill: #b9a5ff; } .cycle .realtime-fill { fill: #7fd6a4; }\n\
    }\n</style>\n";

impl Dependency {
    /// The colour on a light page, dark enough to be read as text.
    const fn colour(self) -> &'static str {
        match self {
            Dependency::Ww => "#b3261e",
            Dependency::Wr => "#0b5cad",
            Dependency::Rw => "#8a5a00",
            Dependency::Process => "#5b3cc4",
            Dependency::Realtime => "#1b6e3c",
        }
    }

    /// How the line is broken.
    const fn dashes(self) -> &'static str {
        match self {
            Dependency::Ww | Dependency::Wr => "none",
            Dependency::Rw => "7 4",
            Dependency::Process => "2 3",
            Dependency::Realtime => "11 3 2 3",
        }
    }

    /// How thick it is: writes over writes are drawn thick.
    const fn thickness(self) -> &'static str {
        match self {
            Dependency::Ww => "3",
            _ => "1.6",
        }
    }
}

impl Cycle {
    /// The cycle as a picture of its own.
    #[must_use]
    pub fn svg(&self) -> String {
        self.picture(WIDTH, true)
    }

    /// The cycle as a part of a page, so wide at most: without a name and a ground of its own.
    pub(crate) fn inline(&self, width: usize) -> PreEscaped<String> {
        // Every text in it is escaped below.
        PreEscaped(self.picture(width, false))
    }

    fn picture(&self, width: usize, alone: bool) -> String {
        let mut page = Page {
            width,
            y: if alone { 52 } else { 8 },
            body: String::new(),
        };
        if alone {
            page.text(16, 28, "name", &self.title());
        }
        let first = page.y;
        let parts = self.parts();
        let last = parts.len() - 1;
        for (at, part) in parts.iter().enumerate() {
            match part {
                Part::Box(transaction) => page.transaction(transaction),
                Part::Arrow(arrow) if at == last => page.back(arrow, first),
                Part::Arrow(arrow) => page.arrow(arrow),
                Part::Gap(left_out) => {
                    page.text(
                        ARROW,
                        page.y + 20,
                        "dim",
                        &format!("{left_out} more transactions"),
                    );
                    page.y += 36;
                }
            }
        }
        for fault in &self.faults {
            for line in wrap(&format!("meanwhile {fault}"), (width - 32) / CHARACTER) {
                page.text(16, page.y + LINE, "dim", &line);
                page.y += LINE;
            }
        }
        let height = page.y + 20;
        let title = escaped(&self.title());
        let steps = self.steps.iter().map(|arrow| escaped(&arrow.because));
        let steps: Vec<String> = steps.collect();
        let ground = match alone {
            true => format!(
                "<rect class=\"page\" width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>"
            ),
            false => String::new(),
        };
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"cycle\" \
             viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
             style=\"max-width: 100%; height: auto\" \
             role=\"img\" font-family=\"monospace\" font-size=\"13\">\n\
             <title>{title}</title>\n<desc>{}.</desc>\n{STYLE}{ground}\n{}</svg>\n",
            steps.join("; "),
            page.body
        )
    }

    fn title(&self) -> String {
        format!(
            "{}: a cycle of {} transactions",
            self.kind,
            self.boxes.len()
        )
    }
}

struct Page {
    width: usize,
    /// Where the next part begins.
    y: usize,
    body: String,
}

impl Page {
    /// How many characters a line in a box has room for.
    const fn in_box(&self) -> usize {
        (self.width - LEFT - 40) / CHARACTER
    }

    /// The same beside an arrow.
    const fn beside(&self) -> usize {
        (self.width - ARROW - 30) / CHARACTER
    }

    fn push(&mut self, element: std::fmt::Arguments<'_>) {
        let _ = writeln!(self.body, "{element}");
    }

    /// A line of text in one of the tones `text`, `name` and `dim`.
    fn text(&mut self, x: usize, y: usize, tone: &str, text: &str) {
        let (class, fill, weight) = match tone {
            "dim" => ("dim", "#57606a", "normal"),
            "name" => ("text name", "#1f2328", "bold"),
            _ => ("text", "#1f2328", "normal"),
        };
        let text = escaped(text);
        self.push(format_args!(
            "<text class=\"{class}\" x=\"{x}\" y=\"{y}\" fill=\"{fill}\" \
             font-weight=\"{weight}\">{text}</text>"
        ));
    }

    fn transaction(&mut self, transaction: &Transaction) {
        let room = self.in_box();
        let title = format!("{} ({})", transaction.name, transaction.who);
        let title = wrap(&title, room);
        let operations = &transaction.operations;
        let lines: Vec<String> = operations.iter().flat_map(|it| wrap(it, room)).collect();
        let mut lines: Vec<(&str, String)> = lines.into_iter().map(|it| ("text", it)).collect();
        lines.splice(0..0, title.into_iter().map(|it| ("name", it)));
        if transaction.others > 0 {
            lines.push(("dim", format!("… and {} more", transaction.others)));
        }
        let height = lines.len() * LINE + 14;
        let top = self.y;
        self.push(format_args!(
            "<rect class=\"box\" x=\"{LEFT}\" y=\"{top}\" width=\"{}\" height=\"{height}\" rx=\"6\" \
             fill=\"#f6f8fa\" stroke=\"#6e7781\"/>",
            self.width - LEFT - 16
        ));
        for (at, (tone, line)) in lines.iter().enumerate() {
            self.text(LEFT + 12, top + (at + 1) * LINE + 2, tone, line);
        }
        self.y += height;
    }

    fn path(&mut self, dependency: Dependency, path: &str) {
        let class = dependency.name();
        let (colour, dashes) = (dependency.colour(), dependency.dashes());
        let thickness = dependency.thickness();
        self.push(format_args!(
            "<path class=\"{class}\" d=\"{path}\" fill=\"none\" stroke=\"{colour}\" \
             stroke-width=\"{thickness}\" stroke-dasharray=\"{dashes}\"/>"
        ));
    }

    fn head(&mut self, dependency: Dependency, points: &str) {
        let (class, colour) = (dependency.name(), dependency.colour());
        self.push(format_args!(
            "<polygon class=\"{class}-fill\" points=\"{points}\" fill=\"{colour}\"/>"
        ));
    }

    /// What an arrow says, beside it; gives back where it ends.
    fn label(&mut self, arrow: &Arrow) -> usize {
        let dependency = arrow.dependency;
        let mut name = dependency.name().to_owned();
        if let Some(key) = &arrow.key {
            name = format!("{name} {key}");
        }
        let mut lines = wrap(&name, self.beside());
        lines.extend(wrap(&arrow.because, self.beside()));
        let mut y = self.y + 6;
        for (at, line) in lines.iter().enumerate() {
            y += LINE;
            if at > 0 {
                self.text(ARROW + 14, y - 1, "text", line);
                continue;
            }
            let (class, colour) = (dependency.name(), dependency.colour());
            let line = escaped(line);
            self.push(format_args!(
                "<text class=\"{class}-fill name\" x=\"{}\" y=\"{}\" fill=\"{colour}\" \
                 font-weight=\"bold\">{line}</text>",
                ARROW + 14,
                y - 1
            ));
        }
        y + 12
    }

    /// To the next box.
    fn arrow(&mut self, arrow: &Arrow) {
        let top = self.y;
        let bottom = self.label(arrow);
        let neck = bottom - 9;
        self.path(arrow.dependency, &format!("M{ARROW} {top}V{neck}"));
        let points = format!("{},{neck} {},{neck} {ARROW},{bottom}", ARROW - 5, ARROW + 5);
        self.head(arrow.dependency, &points);
        self.y = bottom;
    }

    /// Back to the first box, whose top is there.
    fn back(&mut self, arrow: &Arrow, first: usize) {
        let top = self.y;
        let bottom = self.label(arrow);
        let (edge, to, neck) = (18, first + 24, LEFT - 9);
        self.path(
            arrow.dependency,
            &format!("M{ARROW} {top}V{bottom}H{edge}V{to}H{neck}"),
        );
        let points = format!("{neck},{} {neck},{} {LEFT},{to}", to - 5, to + 5);
        self.head(arrow.dependency, &points);
        self.y = bottom + 6;
    }
}

/// A text that is no markup.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // Not allowed in XML, however it is written.
            '\u{fffe}' | '\u{ffff}' => escaped.push('?'),
            c => escaped.push(c),
        }
    }
    escaped
}
