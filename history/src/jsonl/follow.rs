//! Reading a history that is still being written.

use std::io::BufRead;

use super::read::{Unread, parse_event, parse_header};
use crate::history::Builder;
use crate::spec::Spec;
use crate::{Event, History, Order, ReadError};

/// Reads events one by one. The end of the input is only the end of what there is so far: a line
/// that is not complete is kept until the rest of it comes.
#[derive(Debug)]
pub struct Follower<R> {
    input: R,
    line: Vec<u8>,
    number: usize,
    /// The header's spec, once there was a header.
    header: Option<Option<Spec>>,
    builder: Option<Builder>,
}

impl<R: BufRead> Follower<R> {
    /// Nothing was read yet.
    pub fn new(input: R) -> Follower<R> {
        Follower {
            input,
            line: Vec::new(),
            number: 0,
            header: None,
            builder: None,
        }
    }

    /// The next event, `None` if there is none yet.
    ///
    /// # Errors
    /// A line that is not as the format says, an event that cannot come next, and what reading
    /// gives.
    pub fn next_event(&mut self) -> Result<Option<Event>, ReadError> {
        loop {
            self.input
                .read_until(b'\n', &mut self.line)
                .map_err(|error| ReadError::io((self.number + 1, 1), &error))?;
            if self.line.last() != Some(&b'\n') {
                return Ok(None);
            }
            self.number += 1;
            let line = std::mem::take(&mut self.line);
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let Some(builder) = &mut self.builder else {
                let header = parse_header(&line, self.number)?;
                self.builder = Some(Builder::new(header.spec.is_some()));
                self.header = Some(header.spec);
                continue;
            };
            let event = match parse_event(&line, self.number) {
                Ok(event) => event,
                Err(Unread::Cut(error) | Unread::Wrong(error)) => return Err(error),
            };
            builder.add(event.clone()).map_err(|invalid| {
                ReadError::at((self.number, 1), invalid.problem, invalid.expected)
            })?;
            return Ok(Some(event));
        }
    }

    /// What was read so far, as a history. Operations that are open count as indeterminate.
    ///
    /// # Errors
    /// If there was no event.
    pub fn finish(self) -> Result<History, ReadError> {
        let (Some(spec), Some(builder)) = (self.header, self.builder) else {
            return Err(ReadError::empty());
        };
        if builder.len() == 0 {
            return Err(ReadError::at(
                (self.number + 1, 1),
                "the history has no event",
                "an event after the header",
            ));
        }
        let history = builder.finish(spec, Order::Index);
        if self.line.iter().all(u8::is_ascii_whitespace) {
            return Ok(history);
        }
        let number = self.number + 1;
        Ok(history.truncated_with(format!("line {number} is torn and was left out")))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::io::{self, BufReader, Read};
    use std::rc::Rc;

    use super::*;

    /// A file that grows.
    #[derive(Clone, Default)]
    struct Growing(Rc<RefCell<Vec<u8>>>);

    impl Read for Growing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let mut text = self.0.borrow_mut();
            let size = buffer.len().min(text.len());
            buffer[..size].copy_from_slice(&text[..size]);
            text.drain(..size);
            Ok(size)
        }
    }

    #[test]
    fn a_line_that_comes_in_pieces_is_one_event() {
        let file = Growing::default();
        let grow = |text: &str| file.0.borrow_mut().extend(text.as_bytes());
        let mut follower = Follower::new(BufReader::new(file.clone()));
        assert!(follower.next_event().unwrap().is_none());
        grow("{\"polygraph\":1}\n{\"index\":0,\"time\":1,\"process\":0,\"type\":\"invoke\",");
        assert!(follower.next_event().unwrap().is_none());
        grow("\"op\":{\"read\":{\"key\":\"x\"}}}\n{\"index\":1");
        assert_eq!(follower.next_event().unwrap().unwrap().index, 0);
        assert!(follower.next_event().unwrap().is_none());
        let history = follower.finish().unwrap();
        assert_eq!(history.operations().len(), 1);
        assert!(history.truncated());
    }

    #[test]
    fn what_is_no_event_is_an_error_with_its_line() {
        let text = "{\"polygraph\":1}\n\nno\n";
        let error = Follower::new(text.as_bytes()).next_event().unwrap_err();
        assert_eq!(error.line, 3);
        let text = "{\"polygraph\":1}\n{\"index\":5,\"time\":1,\"process\":0,\"type\":\"invoke\",\"op\":{\"read\":{\"key\":\"x\"}}}\n";
        let error = Follower::new(text.as_bytes()).next_event().unwrap_err();
        assert_eq!((error.line, error.expected.as_str()), (2, "0"));
        let error = Follower::new(&b""[..]).finish().unwrap_err();
        assert_eq!(error.line, 1);
    }
}
