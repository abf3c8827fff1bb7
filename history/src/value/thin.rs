//! Text and lists of one word: a [`Value`](super::Value) takes sixteen bytes, and most are
//! integers.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::Value;

/// A string that is cheap to clone and one word wide.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Arc<Box<str>>);

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        Text(Arc::new(text.into()))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Text {
        Text(Arc::new(text.into()))
    }
}

impl From<Arc<str>> for Text {
    fn from(text: Arc<str>) -> Text {
        Text::from(&*text)
    }
}

/// Values in order, cheap to clone and one word wide.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct List(Arc<Box<[Value]>>);

impl Deref for List {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        &self.0
    }
}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl From<Vec<Value>> for List {
    fn from(values: Vec<Value>) -> List {
        List(Arc::new(values.into()))
    }
}

impl From<&[Value]> for List {
    fn from(values: &[Value]) -> List {
        List(Arc::new(values.into()))
    }
}

impl FromIterator<Value> for List {
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> List {
        List(Arc::new(values.into_iter().collect()))
    }
}
