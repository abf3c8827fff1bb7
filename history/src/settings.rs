//! Settings: the knobs of targets, workloads and nemeses, typed, with defaults.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{format_duration, parse_duration};

/// A knob that somebody offers.
#[derive(Clone, Copy, Debug)]
pub struct Knob {
    /// Its name, kebab-case.
    pub key: &'static str,
    /// What may be written.
    pub accepts: Accepts,
    /// What it is unless set, as it would be written.
    pub default: &'static str,
    /// What it does, in one sentence.
    pub about: &'static str,
}

/// What may be written for a knob.
#[derive(Clone, Copy, Debug)]
pub enum Accepts {
    /// An integer in this range, both ends included.
    Integer(i64, i64),
    /// A duration: `250us 10ms 2s 5m`.
    Duration,
    /// A share: `0.05` or `5%`.
    Ratio,
    /// `on` or `off`.
    Switch,
    /// One of these words.
    Word(&'static [&'static str]),
}

impl fmt::Display for Accepts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Accepts::Integer(low, high) => write!(f, "an integer from {low} to {high}"),
            Accepts::Duration => f.write_str("a duration (250us 10ms 2s 5m)"),
            Accepts::Ratio => f.write_str("a ratio (0.05 or 5%)"),
            Accepts::Switch => f.write_str("on or off"),
            Accepts::Word(words) => f.write_str(&words.join("|")),
        }
    }
}

/// The value of a knob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    /// An integer.
    Integer(i64),
    /// A duration.
    Duration(Duration),
    /// A share, in parts per million.
    Ratio(u32),
    /// On or off.
    Switch(bool),
    /// A word.
    Word(String),
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Setting::Integer(value) => write!(f, "{value}"),
            Setting::Duration(value) => f.write_str(&format_duration(*value)),
            Setting::Ratio(ppm) => {
                let text = format!("{}.{:04}", ppm / 10_000, ppm % 10_000);
                write!(f, "{}%", text.trim_end_matches('0').trim_end_matches('.'))
            }
            Setting::Switch(value) => f.write_str(if *value { "on" } else { "off" }),
            Setting::Word(value) => f.write_str(value),
        }
    }
}

/// Integers are numbers, everything else is the text that `--set` reads.
impl Serialize for Setting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Setting::Integer(value) => serializer.serialize_i64(*value),
            other => serializer.collect_str(other),
        }
    }
}

/// Only [`Settings::resolve`] gives the text its type, since only the knob knows it.
impl<'de> Deserialize<'de> for Setting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Setting, D::Error> {
        struct SettingVisitor;

        impl serde::de::Visitor<'_> for SettingVisitor {
            type Value = Setting;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an integer or a string")
            }

            fn visit_i64<E>(self, value: i64) -> Result<Setting, E> {
                Ok(Setting::Integer(value))
            }

            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Setting, E> {
                i64::try_from(value)
                    .map(Setting::Integer)
                    .map_err(E::custom)
            }

            fn visit_str<E>(self, text: &str) -> Result<Setting, E> {
                Ok(Setting::Word(text.to_owned()))
            }
        }

        deserializer.deserialize_any(SettingVisitor)
    }
}

/// All settings of one target, workload or nemesis, each with a value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Settings(BTreeMap<String, Setting>);

impl Settings {
    /// What everything is unless set.
    ///
    /// # Panics
    /// If a knob does not accept its own default: a mistake in its registry.
    #[must_use]
    pub fn defaults(knobs: &[Knob]) -> Settings {
        let value = |knob: &Knob| {
            knob.parse(knob.default)
                .expect("a knob accepts its default")
        };
        Settings(
            knobs
                .iter()
                .map(|knob| (knob.key.to_owned(), value(knob)))
                .collect(),
        )
    }

    /// The settings of a recorded run, given their types again by the knobs.
    ///
    /// # Errors
    /// A sentence that names the setting and what is allowed.
    pub fn resolve(knobs: &[Knob], recorded: &Settings) -> Result<Settings, String> {
        let mut settings = Settings::defaults(knobs);
        for (key, value) in &recorded.0 {
            settings.set(knobs, key, &value.to_string())?;
        }
        Ok(settings)
    }

    /// Turns one knob.
    ///
    /// # Errors
    /// A sentence that names the setting and what is allowed.
    pub fn set(&mut self, knobs: &[Knob], key: &str, text: &str) -> Result<(), String> {
        let knob = knobs.iter().find(|knob| knob.key == key).ok_or_else(|| {
            let keys: Vec<_> = knobs.iter().map(|knob| knob.key).collect();
            match keys.is_empty() {
                true => format!("there is no setting `{key}`; there are none here"),
                false => format!("there is no setting `{key}`; there are {}", keys.join(", ")),
            }
        })?;
        let value = knob.parse(text).map_err(|allowed| {
            format!("`{key}={text}` is not possible: `{key}` wants {allowed}")
        })?;
        self.0.insert(key.to_owned(), value);
        Ok(())
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Setting)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The value of an integer knob.
    ///
    /// # Panics
    /// All getters panic if the owner of the knobs asks for one that it does not offer, or as
    /// another type: a mistake in the program, not of its user.
    #[must_use]
    pub fn integer(&self, key: &str) -> i64 {
        match self.0.get(key) {
            Some(Setting::Integer(value)) => *value,
            other => panic!("setting `{key}` is {other:?}, not an integer"),
        }
    }

    /// The value of a duration knob.
    #[must_use]
    pub fn duration(&self, key: &str) -> Duration {
        match self.0.get(key) {
            Some(Setting::Duration(value)) => *value,
            other => panic!("setting `{key}` is {other:?}, not a duration"),
        }
    }

    /// The value of a ratio knob, in parts per million.
    #[must_use]
    pub fn ratio_ppm(&self, key: &str) -> u32 {
        match self.0.get(key) {
            Some(Setting::Ratio(value)) => *value,
            other => panic!("setting `{key}` is {other:?}, not a ratio"),
        }
    }

    /// The value of a switch.
    #[must_use]
    pub fn switch(&self, key: &str) -> bool {
        match self.0.get(key) {
            Some(Setting::Switch(value)) => *value,
            other => panic!("setting `{key}` is {other:?}, not a switch"),
        }
    }

    /// The value of a word knob.
    #[must_use]
    pub fn word(&self, key: &str) -> &str {
        match self.0.get(key) {
            Some(Setting::Word(value)) => value,
            other => panic!("setting `{key}` is {other:?}, not a word"),
        }
    }
}

impl Knob {
    /// Reads a value; the error says what is allowed.
    fn parse(&self, text: &str) -> Result<Setting, String> {
        let allowed = || self.accepts.to_string();
        match self.accepts {
            Accepts::Integer(low, high) => match text.parse() {
                Ok(value) if (low..=high).contains(&value) => Ok(Setting::Integer(value)),
                _ => Err(allowed()),
            },
            Accepts::Duration => parse_duration(text)
                .map(Setting::Duration)
                .map_err(|_| allowed()),
            Accepts::Ratio => parse_ratio(text).map(Setting::Ratio).ok_or_else(allowed),
            Accepts::Switch => match text {
                "on" => Ok(Setting::Switch(true)),
                "off" => Ok(Setting::Switch(false)),
                _ => Err(allowed()),
            },
            Accepts::Word(words) => match words.contains(&text) {
                true => Ok(Setting::Word(text.to_owned())),
                false => Err(allowed()),
            },
        }
    }
}

/// `0.05` or `5%`, as parts per million, at most one.
fn parse_ratio(text: &str) -> Option<u32> {
    let (number, scale) = match text.strip_suffix('%') {
        Some(percent) => (percent, 1e4),
        None => (text, 1e6),
    };
    let plain = number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let ppm = number.parse::<f64>().ok().filter(|_| plain)? * scale;
    (ppm <= 1e6).then(|| ppm.round() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOBS: &[Knob] = &[
        Knob {
            key: "n",
            accepts: Accepts::Integer(1, 9),
            default: "3",
            about: "",
        },
        Knob {
            key: "ship",
            accepts: Accepts::Duration,
            default: "50ms",
            about: "",
        },
        Knob {
            key: "loss",
            accepts: Accepts::Ratio,
            default: "5%",
            about: "",
        },
        Knob {
            key: "relay",
            accepts: Accepts::Switch,
            default: "on",
            about: "",
        },
        Knob {
            key: "read",
            accepts: Accepts::Word(&["leader", "any"]),
            default: "any",
            about: "",
        },
    ];

    #[test]
    fn survive_their_json() {
        let mut settings = Settings::defaults(KNOBS);
        settings.set(KNOBS, "loss", "0.125").unwrap();
        let json = serde_json::to_string(&settings).unwrap();
        assert_eq!(
            json,
            r#"{"loss":"12.5%","n":3,"read":"any","relay":"on","ship":"50ms"}"#
        );
        let recorded = serde_json::from_str(&json).unwrap();
        assert_eq!(Settings::resolve(KNOBS, &recorded).unwrap(), settings);
    }

    #[test]
    fn say_what_is_allowed() {
        let mut settings = Settings::defaults(KNOBS);
        for (key, text, expected) in [
            ("n", "10", "an integer from 1 to 9"),
            ("ship", "never", "a duration (250us 10ms 2s 5m)"),
            ("loss", "150%", "a ratio (0.05 or 5%)"),
            ("loss", "nan", "a ratio (0.05 or 5%)"),
            ("relay", "yes", "on or off"),
            ("read", "all", "leader|any"),
            ("wx", "1", "there are n, ship, loss, relay, read"),
        ] {
            let error = settings.set(KNOBS, key, text).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
