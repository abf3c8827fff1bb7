//! Values: what is written to and read from a store.

mod chains;
mod list;
mod thin;

use std::fmt;

pub(crate) use chains::Chains;
pub use list::List;
pub use thin::Text;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value of a store. Values of other people's histories that have none of these shapes
/// (booleans, floating-point numbers, EDN keywords and maps) are kept as the text they were
/// written in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// Nothing was ever written; in foreign histories, the initial value.
    Null,
    /// An integer.
    Int(i64),
    /// A string.
    Text(Text),
    /// A list: of elements in order, or a set as it was listed.
    List(List),
}

impl Value {
    /// A list of these values.
    pub fn list(values: impl IntoIterator<Item = Value>) -> Value {
        Value::List(values.into_iter().collect())
    }

    /// The elements of a list, those of `Null` being none; `None` for a single value.
    #[must_use]
    pub fn elements(&self) -> Option<&[Value]> {
        match self {
            Value::Null => Some(&[]),
            Value::List(values) => Some(values),
            Value::Int(_) | Value::Text(_) => None,
        }
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Value {
        Value::Int(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Value {
        Value::Text(value.into())
    }
}

/// As a person reads it; `nothing` for a value never written.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("nothing"),
            Value::Int(value) => write!(f, "{value}"),
            Value::Text(value) => f.write_str(value),
            Value::List(values) => {
                f.write_str("[")?;
                for (at, value) in values.iter().enumerate() {
                    if at > 0 {
                        f.write_str(" ")?;
                    }
                    write!(f, "{value}")?;
                }
                f.write_str("]")
            }
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Formats that do not describe themselves need the variant spelled out.
        if !serializer.is_human_readable() {
            return Spelled::from(self).serialize(serializer);
        }
        match self {
            Value::Null => serializer.serialize_unit(),
            Value::Int(value) => serializer.serialize_i64(*value),
            Value::Text(value) => serializer.serialize_str(value),
            Value::List(values) => serializer.collect_seq(values.iter()),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        if !deserializer.is_human_readable() {
            return Tagged::deserialize(deserializer).map(Value::from);
        }
        deserializer.deserialize_any(ValueVisitor)
    }
}

/// A value with its variant spelled out, as [`Tagged`] reads it back.
#[derive(Serialize)]
#[serde(rename = "Tagged")]
enum Spelled<'a> {
    Null,
    Int(i64),
    Text(&'a str),
    List(&'a [Value]),
}

impl<'a> From<&'a Value> for Spelled<'a> {
    fn from(value: &'a Value) -> Spelled<'a> {
        match value {
            Value::Null => Spelled::Null,
            Value::Int(value) => Spelled::Int(*value),
            Value::Text(value) => Spelled::Text(value),
            Value::List(values) => Spelled::List(values),
        }
    }
}

/// A value with its variant spelled out.
#[derive(Deserialize)]
enum Tagged {
    Null,
    Int(i64),
    Text(String),
    List(Vec<Value>),
}

impl From<Tagged> for Value {
    fn from(value: Tagged) -> Value {
        match value {
            Tagged::Null => Value::Null,
            Tagged::Int(value) => Value::Int(value),
            Tagged::Text(value) => Value::Text(value.into()),
            Tagged::List(values) => Value::List(values.into()),
        }
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an integer, a string, an array of them, or null")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        i64::try_from(value).map(Value::Int).map_err(|_| {
            E::custom(format!(
                "integer {value} is too large, expected one below 2^53"
            ))
        })
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::with_capacity(seq.size_hint().unwrap_or(0).min(1024));
        while let Some(value) = seq.next_element()? {
            values.push(value);
        }
        Ok(Value::List(values.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::Value;

    /// Histories hold millions of them.
    #[test]
    fn a_value_is_small() {
        assert_eq!(size_of::<Value>(), 16);
        assert_eq!(size_of::<Option<Value>>(), 16);
    }
}
