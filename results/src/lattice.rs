//! Levels and which implies which, as lines from the strongest down to the weakest.
//!
//! Each level is a line of its own. A rail below it leads to each level that it implies; rails to
//! the same level meet on the way. Where a rail passes under others it has gaps.

use unicode_width::UnicodeWidthStr;

use crate::diagram::{Style, to_ascii};

/// What a history says of a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It cannot have been kept.
    RuledOut,
    /// It may have been kept.
    Possible,
    /// Nobody knows.
    Unknown,
}

impl Status {
    /// The sign in front of a level, so that nothing depends on colours.
    const fn sign(self, ascii: bool) -> char {
        match (self, ascii) {
            (Status::RuledOut, false) => '✗',
            (Status::RuledOut, true) => 'x',
            (Status::Possible, false) => '○',
            (Status::Possible, true) => 'o',
            (Status::Unknown, _) => '?',
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Status::RuledOut => "ruled out",
            Status::Possible => "possible",
            Status::Unknown => "unknown",
        }
    }
}

/// A level, and what a history says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Level {
    /// Its name.
    pub name: String,
    /// What the history says.
    pub status: Status,
    /// Why, in a word or two; may be empty.
    pub why: String,
}

/// Draws levels, each after all that imply it. The implications are pairs of places among them,
/// the stronger first; those that follow from others are better left out. Every line ends with a
/// newline, and none is wider than the style allows.
#[must_use]
pub fn lattice(levels: &[Level], implications: &[(usize, usize)], style: Style) -> String {
    let rows = rows(levels, implications, style.ascii);
    let rails = rows.iter().map(|row| row.rails.width()).max().unwrap_or(0);
    let names = levels.iter().map(|level| level.name.width()).max();
    let names = names.unwrap_or(0);
    let mut text = String::new();
    for row in rows {
        let mut line = row.rails;
        if let Some(at) = row.level {
            let level = &levels[at];
            line += &" ".repeat(rails - line.width() + 2);
            line += &level.name;
            line += &" ".repeat(names - level.name.width() + 2);
            line += level.status.words();
            if !level.why.is_empty() {
                line += ": ";
                line += &level.why;
            }
        }
        text += cut(line, style.width).trim_end();
        text.push('\n');
    }
    match style.ascii {
        true => to_ascii(&text),
        false => text,
    }
}

/// Of a set of levels by place, those that no other of the set implies.
#[must_use]
pub fn strongest(among: &[usize], implications: &[(usize, usize)]) -> Vec<usize> {
    keep(among, |weaker, stronger| {
        implies(stronger, weaker, implications)
    })
}

/// Of a set of levels by place, those that imply no other of the set.
#[must_use]
pub fn weakest(among: &[usize], implications: &[(usize, usize)]) -> Vec<usize> {
    keep(among, |stronger, weaker| {
        implies(stronger, weaker, implications)
    })
}

/// Those that are beaten by no other.
fn keep(among: &[usize], beaten: impl Fn(usize, usize) -> bool) -> Vec<usize> {
    let unbeaten = |&at: &usize| !among.iter().any(|&other| other != at && beaten(at, other));
    among.iter().copied().filter(unbeaten).collect()
}

/// Whether one level implies another, by however many steps.
fn implies(stronger: usize, weaker: usize, implications: &[(usize, usize)]) -> bool {
    let mut reached = vec![stronger];
    let mut next = 0;
    while let Some(&at) = reached.get(next) {
        for &(from, to) in implications {
            if from == at && !reached.contains(&to) {
                reached.push(to);
            }
        }
        next += 1;
    }
    reached.contains(&weaker)
}

struct Row {
    rails: String,
    /// The level that stands on this line, by place.
    level: Option<usize>,
}

/// The lines without their words.
fn rows(levels: &[Level], implications: &[(usize, usize)], ascii: bool) -> Vec<Row> {
    // Of each column the level to which its rail leads.
    let mut columns: Vec<Option<usize>> = Vec::new();
    let mut rows = Vec::new();
    for (at, level) in levels.iter().enumerate() {
        let here = match columns.iter().position(|&to| to == Some(at)) {
            Some(column) => column,
            None => free(&mut columns),
        };
        columns[here] = None;
        let mut rails = String::new();
        for (column, to) in columns.iter().enumerate() {
            rails.push(match to {
                _ if column == here => level.status.sign(ascii),
                Some(_) => '│',
                None => ' ',
            });
            rails.push(' ');
        }
        rows.push(Row {
            rails: rails.trim_end().to_owned(),
            level: Some(at),
        });
        rows.extend(fork(&mut columns, here, at, implications));
        while columns.last() == Some(&None) {
            columns.pop();
        }
    }
    rows
}

/// The first column without a rail.
fn free(columns: &mut Vec<Option<usize>>) -> usize {
    let free = columns.iter().position(Option::is_none);
    free.unwrap_or_else(|| {
        columns.push(None);
        columns.len() - 1
    })
}

/// The rails from a level to all that it implies, and the line on which they part.
fn fork(
    columns: &mut Vec<Option<usize>>,
    here: usize,
    level: usize,
    implications: &[(usize, usize)],
) -> Option<Row> {
    let before = columns.clone();
    let mut ends = Vec::new();
    for &(from, to) in implications {
        if from != level {
            continue;
        }
        let known = columns.iter().position(|&other| other == Some(to));
        let column = known.unwrap_or_else(|| match columns[here] {
            None => here,
            Some(_) => free(columns),
        });
        columns[column] = Some(to);
        ends.push(column);
    }
    if ends.iter().all(|&column| column == here) {
        return None;
    }
    let left = ends.iter().copied().min().unwrap_or(here).min(here);
    let right = ends.iter().copied().max().unwrap_or(here).max(here);
    let mut rails = String::new();
    for (column, to) in columns.iter().enumerate() {
        let joins = column == here || ends.contains(&column);
        let up = column == here || before.get(column).is_some_and(Option::is_some);
        rails.push(if joins {
            corner(up, to.is_some(), column > left, column < right)
        } else if to.is_some() {
            '│'
        } else if left < column && column < right {
            '─'
        } else {
            ' '
        });
        rails.push(if left <= column && column < right {
            '─'
        } else {
            ' '
        });
    }
    Some(Row {
        rails: rails.trim_end().to_owned(),
        level: None,
    })
}

/// The character from which lines go in these directions.
const fn corner(up: bool, down: bool, left: bool, right: bool) -> char {
    match (up, down, left, right) {
        (true, true, true, true) => '┼',
        (true, true, true, false) => '┤',
        (true, true, false, true) => '├',
        (true, false, true, true) => '┴',
        (true, false, true, false) => '╯',
        (true, false, false, true) => '╰',
        (false, true, true, true) => '┬',
        (false, true, true, false) => '╮',
        (false, true, false, true) => '╭',
        (_, _, true, true) => '─',
        _ => '│',
    }
}

fn cut(mut line: String, width: usize) -> String {
    if line.width() > width {
        while line.width() >= width && line.pop().is_some() {}
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(name: &str, status: Status) -> Level {
        Level {
            name: name.to_owned(),
            status,
            why: String::new(),
        }
    }

    const STYLE: Style = Style {
        width: 80,
        ascii: false,
    };

    #[test]
    fn rails_part_and_meet() {
        let levels = [
            level("top", Status::RuledOut),
            level("left", Status::RuledOut),
            level("right", Status::Possible),
            level("bottom", Status::Possible),
        ];
        let implications = [(0, 1), (0, 2), (1, 3), (2, 3)];
        let drawn = lattice(&levels, &implications, STYLE);
        let expected = "\
✗    top     ruled out
├─╮
✗ │  left    ruled out
│ ○  right   possible
├─╯
○    bottom  possible
";
        assert_eq!(drawn, expected, "\n{drawn}");
        let ascii = Style {
            ascii: true,
            ..STYLE
        };
        let drawn = lattice(&levels, &implications, ascii);
        assert!(drawn.is_ascii() && drawn.contains("\n|  o  right") | drawn.contains("| o"));
    }

    #[test]
    fn a_rail_that_passes_under_others_has_gaps() {
        let levels: Vec<Level> = ["a", "b", "c", "d", "e"]
            .map(|name| level(name, Status::Unknown))
            .into();
        let implications = [(0, 3), (0, 2), (0, 1), (3, 4), (2, 4), (1, 4), (1, 3)];
        let drawn = lattice(&levels, &implications, STYLE);
        let expected = "\
?      a  unknown
├─┬─╮
│ │ ?  b  unknown
├─│─┤
│ ? │  c  unknown
│ ╰─┤
?   │  d  unknown
╰───┤
    ?  e  unknown
";
        assert_eq!(drawn, expected, "\n{drawn}");
    }

    #[test]
    fn the_ends_of_a_set_are_found() {
        let implications = [(0, 1), (0, 2), (1, 3), (2, 3)];
        assert_eq!(strongest(&[1, 2, 3], &implications), [1, 2]);
        assert_eq!(weakest(&[0, 1, 2], &implications), [1, 2]);
        assert_eq!(weakest(&[0, 1, 2, 3], &implications), [3]);
    }

    #[test]
    fn nothing_is_wider_than_it_may_be() {
        let mut levels = vec![level("a-level-with-a-long-name", Status::RuledOut); 3];
        levels[1].why = "because of this and that and something else".to_owned();
        let narrow = Style {
            width: 40,
            ascii: false,
        };
        let drawn = lattice(&levels, &[(0, 1), (0, 2)], narrow);
        assert!(drawn.lines().all(|line| line.width() <= 40), "{drawn}");
    }
}
