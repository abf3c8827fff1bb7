use proptest::prelude::*;
use unicode_width::UnicodeWidthStr;

use super::*;

const MS: u64 = 1_000_000;

fn moment(rank: u64, millis: u64) -> Moment {
    Moment {
        rank,
        time: millis * MS,
    }
}

fn span(client: u64, text: &str, start: (u64, u64), end: Option<(u64, u64)>) -> Span {
    Span {
        lane: format!("client {client}"),
        text: text.to_owned(),
        start: moment(start.0, start.1),
        end: end.map(|(rank, millis)| moment(rank, millis)),
    }
}

const WIDE: Style = Style {
    width: 80,
    ascii: false,
};

fn stale_read() -> Vec<Span> {
    vec![
        span(13, "write r44 1419", (1, 26_880), Some((2, 26_887))),
        span(22, "read r44 → 1420", (3, 27_027), Some((4, 27_032))),
        span(48, "read r44 → 1419", (5, 27_037), Some((8, 27_044))),
        span(7, "write r44 1420", (0, 26_870), None),
    ]
}

#[test]
fn operations_faults_and_times_share_an_axis() {
    let fault = Band {
        text: "partition".to_owned(),
        start: moment(3, 27_001),
        end: None,
    };
    let drawn = diagram(&stale_read(), &[fault], WIDE);
    for part in [
        "client 7 ",
        "client 13",
        "╱╱",
        "partition",
        "▒",
        "26.870 s",
        "?",
    ] {
        assert!(drawn.contains(part), "{part}: {drawn}");
    }
    assert!(drawn.lines().all(|line| line.width() <= 80), "{drawn}");
    // Those that began first are on top.
    let lanes: Vec<_> = drawn.lines().map(|line| &line[..9]).collect();
    assert_eq!(
        lanes[..4],
        ["client 7 ", "client 13", "client 22", "client 48"]
    );
}

/// The columns of the first and the last character of the bar in a line.
fn bar(line: &str, skip: usize) -> (usize, usize) {
    let cells: Vec<char> = line.chars().collect();
    let first = cells
        .iter()
        .skip(skip)
        .position(|c| *c != ' ')
        .expect("a bar")
        + skip;
    (first, cells.len() - 1)
}

#[test]
fn what_came_before_is_left_of_what_came_after_and_what_overlaps_overlaps() {
    let spans = [
        span(1, "a", (0, 0), Some((2, 2000))),
        span(2, "b", (1, 1999), Some((3, 2001))),
        span(3, "c", (4, 9_000_000), Some((5, 9_000_001))),
    ];
    for width in 40..120 {
        let style = Style { width, ..WIDE };
        let drawn = diagram(&spans, &[], style);
        let bars: Vec<_> = drawn.lines().take(3).map(|line| bar(line, 10)).collect();
        assert!(bars[1].0 < bars[0].1, "{drawn}");
        assert!(bars[0].1 < bars[1].1, "{drawn}");
        assert!(bars[1].1 < bars[2].0, "{drawn}");
    }
}

#[test]
fn texts_that_do_not_fit_are_explained_below() {
    let long = "read x → ".to_owned() + &"日本語".repeat(40);
    let drawn = diagram(&[span(1, &long, (0, 0), Some((1, 5)))], &[], WIDE);
    let legend = drawn.lines().last().expect("a legend");
    assert!(
        legend.starts_with("a: read x → 日本") && legend.ends_with('…'),
        "{drawn}"
    );
    assert!(drawn.lines().all(|line| line.width() <= 80), "{drawn}");
    assert_eq!(drawn.matches("─a─").count(), 1, "{drawn}");
}

#[test]
fn a_stale_read_looks_like_one() {
    let fault = Band {
        text: "partition".to_owned(),
        start: moment(0, 26_000),
        end: Some(moment(3, 27_027)),
    };
    let drawn = diagram(&stale_read()[..3], &[fault], WIDE);
    let expected = "\
client 13  ├─write r44 1419─┤
client 22                        ├─────a──────┤
client 48                                                  ├─read r44 → 1419─┤
partition  ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒╱╱▒▒
           ┴────────────────┴─╱╱──────────────┴────────────┴─────────────────┴──
           26.880 s         26.887 s          27.032 s     27.037 s     27.044 s
a: read r44 → 1420
";
    assert_eq!(drawn, expected, "\n{drawn}");
}

#[test]
fn faults_that_begin_and_end_where_nothing_is_drawn_are_at_the_cut() {
    let spans = [
        span(1, "write x 1", (10, 0), Some((20, 5))),
        span(2, "read x → 1", (30, 9000), Some((40, 9003))),
    ];
    let fault = Band {
        text: "kill".to_owned(),
        start: moment(22, 3000),
        end: Some(moment(28, 4000)),
    };
    let drawn = diagram(&spans, &[fault], WIDE);
    let kill = drawn.lines().nth(2).expect("a line of the fault");
    let axis = drawn.lines().nth(3).expect("an axis");
    let cut = |line: &str| line.chars().position(|c| c == '╱');
    assert_eq!(cut(kill), cut(axis), "{drawn}");
    assert_eq!(kill.trim_start_matches("kill").trim(), "╱╱", "{drawn}");
}

#[test]
fn only_ascii_where_that_is_asked() {
    let style = Style {
        ascii: true,
        ..WIDE
    };
    let drawn = diagram(&stale_read(), &[], style);
    assert!(drawn.is_ascii(), "{drawn}");
    assert!(drawn.contains("read r44 -> 1419"), "{drawn}");
}

#[test]
fn nothing_is_drawn_of_nothing_or_where_nothing_can_be_read() {
    assert_eq!(diagram(&[], &[], WIDE), "");
    let style = Style { width: 39, ..WIDE };
    assert_eq!(diagram(&stale_read(), &[], style), "");
}

fn moments() -> impl Strategy<Value = Moment> {
    let rank = prop_oneof![0..8_u64, any::<u64>()];
    let time = prop_oneof![0..8_u64, any::<u64>()];
    (rank, time).prop_map(|(rank, time)| Moment { rank, time })
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z0-9 →]{0,20}", "\\PC{0,40}", any::<String>()]
}

fn anything() -> impl Strategy<Value = Span> {
    let end = proptest::option::of(moments());
    (texts(), texts(), moments(), end).prop_map(|(lane, text, start, end)| Span {
        lane,
        text,
        start,
        end,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_line_is_too_wide_whatever_happens(
        spans in proptest::collection::vec(anything(), 0..14),
        faults in proptest::collection::vec(anything(), 0..3),
        width in 0..130_usize,
        ascii: bool,
    ) {
        let bands: Vec<_> = faults
            .into_iter()
            .map(|Span { text, start, end, .. }| Band { text, start, end })
            .collect();
        let style = Style { width, ascii };
        let drawn = diagram(&spans, &bands, style);
        for line in drawn.lines() {
            let cells: usize = line.chars().map(|c| c.width().unwrap_or(0)).sum();
            prop_assert!(cells <= width, "{cells} > {width}: {line:?}");
        }
        prop_assert!(!ascii || drawn.is_ascii());
        prop_assert_eq!(drawn.is_empty(), spans.is_empty() || width < NARROWEST);
        prop_assert_eq!(drawn, diagram(&spans, &bands, style));
    }
}
