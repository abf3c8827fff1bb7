//! The record: events get their place in the order, and are written as they happen.

use std::io::{self, Write};

use polygraph_history::jsonl::Writer;
use polygraph_history::spec::Spec;
use polygraph_history::{Body, Event, Kind, Process, Time};

use crate::early::Watch;

/// Records a run.
pub struct Recorder<'a> {
    events: Vec<Event>,
    file: Option<Writer<Box<dyn Write + 'a>>>,
    /// Hand every event to the operating system at once.
    eager: bool,
    failed: Option<io::Error>,
    watch: Option<Watch>,
    violated: bool,
}

impl<'a> Recorder<'a> {
    /// A recorder that keeps events, and writes them if there is somewhere to write.
    ///
    /// # Errors
    /// What writing gives.
    pub fn new(
        spec: Option<&Spec>,
        out: Option<Box<dyn Write + 'a>>,
        eager: bool,
    ) -> io::Result<Recorder<'a>> {
        let file = out.map(|out| Writer::new(out, spec)).transpose()?;
        Ok(Recorder {
            events: Vec::new(),
            file,
            eager,
            failed: None,
            watch: None,
            violated: false,
        })
    }

    /// The same, watching what is recorded.
    #[must_use]
    pub fn watching(mut self) -> Recorder<'a> {
        self.watch = Some(Watch::new());
        self
    }

    /// Whether what was recorded so far is proved to be violated; only if it is watched.
    #[must_use]
    pub const fn violated(&self) -> bool {
        self.violated
    }

    /// Records an event; gives it back with its place.
    pub fn record(
        &mut self,
        time: Time,
        process: Process,
        kind: Kind,
        body: Body,
        fill: impl FnOnce(&mut Event),
    ) -> &Event {
        // Threads of a real world may report a little late; the order is that of recording.
        let time = self.events.last().map_or(time, |last| time.max(last.time));
        let mut event = Event::new(self.events.len() as u64, time, process, kind, body);
        fill(&mut event);
        self.write(&event);
        if let Some(watch) = &mut self.watch {
            self.violated |= watch.violated_by(&event);
        }
        self.events.push(event);
        self.events.last().expect("just pushed")
    }

    fn write(&mut self, event: &Event) {
        let Some(file) = &mut self.file else { return };
        let mut written = file.write(event);
        if self.eager {
            written = written.and_then(|()| file.flush());
        }
        if let Err(error) = written {
            self.failed.get_or_insert(error);
            self.file = None;
        }
    }

    /// Ends the record.
    ///
    /// # Errors
    /// The first that writing gave.
    pub fn finish(mut self) -> io::Result<Vec<Event>> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        if let Some(file) = self.file.take() {
            file.finish()?;
        }
        Ok(self.events)
    }
}
