//! A picture that needs nothing else: light or dark as the reader's system is, and readable
//! without colours, for each dependency has a line of its own and its name beside it.
//!
//! Colours are attributes, and a style sheet replaces them in the dark: a program that knows no
//! style sheets draws the light picture.

use std::fmt::Write;

use super::{Arrow, Cycle, Dependency, Part, Transaction, wrap};

/// The width of a picture, in its own units.
const WIDTH: usize = 760;
/// The width of a character and the height of a line.
const CHARACTER: usize = 8;
const LINE: usize = 18;
/// Where boxes begin, and where arrows between them are.
const LEFT: usize = 44;
const ARROW: usize = 76;
/// How many characters a line of a box and of an arrow have room for.
const IN_BOX: usize = (WIDTH - LEFT - 40) / CHARACTER;
const BESIDE: usize = (WIDTH - ARROW - 30) / CHARACTER;

const STYLE: &str = "<style>\n\
    text { font-family: ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace; \
    font-size: 13px; white-space: pre; }\n\
    .name { font-weight: bold; }\n\
    @media (prefers-color-scheme: dark) {\n  \
    .page { fill: #16181d; }\n  \
    .box { fill: #22262e; stroke: #7d8694; }\n  \
    .text { fill: #e6e9ee; }\n  \
    .dim { fill: #a3abb8; }\n  \
    .ww { stroke: #ff9d8a; } .wr { stroke: #7cc4ff; } .rw { stroke: #f2c14e; }\n  \
    .process { stroke: #b9a5ff; } .realtime { stroke: #7fd6a4; }\n  \
    .ww-fill { fill: #ff9d8a; } .wr-fill { fill: #7cc4ff; } .rw-fill { fill: #f2c14e; }\n  \
    .process-fill { fill: #b9a5ff; } .realtime-fill { fill: #7fd6a4; }\n\
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
        let mut page = Page {
            y: 52,
            body: String::new(),
        };
        page.text(16, 28, "name", &self.title());
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
            for line in wrap(&format!("meanwhile {fault}"), (WIDTH - 32) / CHARACTER) {
                page.text(16, page.y + LINE, "dim", &line);
                page.y += LINE;
            }
        }
        let height = page.y + 20;
        let title = escaped(&self.title());
        let steps = self.steps.iter().map(|arrow| escaped(&arrow.because));
        let steps: Vec<String> = steps.collect();
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
             width=\"{WIDTH}\" height=\"{height}\" style=\"max-width: 100%; height: auto\" \
             role=\"img\" font-family=\"monospace\" font-size=\"13\">\n\
             <title>{title}</title>\n<desc>{}.</desc>\n{STYLE}\
             <rect class=\"page\" width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n{}</svg>\n",
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
    /// Where the next part begins.
    y: usize,
    body: String,
}

impl Page {
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
        let title = format!("{} ({})", transaction.name, transaction.who);
        let title = wrap(&title, IN_BOX).join(" ");
        let operations = &transaction.operations;
        let lines: Vec<String> = operations.iter().flat_map(|it| wrap(it, IN_BOX)).collect();
        let more = usize::from(transaction.others > 0);
        let height = (lines.len() + more + 1) * LINE + 14;
        let top = self.y;
        self.push(format_args!(
            "<rect class=\"box\" x=\"{LEFT}\" y=\"{top}\" width=\"{}\" height=\"{height}\" rx=\"6\" \
             fill=\"#f6f8fa\" stroke=\"#6e7781\"/>",
            WIDTH - LEFT - 16
        ));
        self.text(LEFT + 12, top + LINE + 2, "name", &title);
        for (at, line) in lines.iter().enumerate() {
            self.text(LEFT + 12, top + (at + 2) * LINE + 2, "text", line);
        }
        if more > 0 {
            let y = top + (lines.len() + 2) * LINE + 2;
            let others = format!("… and {} more", transaction.others);
            self.text(LEFT + 12, y, "dim", &others);
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
        let mut lines = wrap(&name, BESIDE);
        lines.extend(wrap(&arrow.because, BESIDE));
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
