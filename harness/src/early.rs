//! Watches a run while it goes on, so that clients need not work any more once it is violated.

use polygraph_checker::Options;
use polygraph_checker::linearizable::Online;
use polygraph_history::Event;

/// Says of every event whether what happened so far is proved not to be linearizable.
pub(crate) struct Watch {
    online: Online,
}

impl Watch {
    /// Nothing happened yet.
    pub(crate) fn new() -> Watch {
        Watch {
            online: Online::new(&Options::default()),
        }
    }

    /// Takes the next event.
    pub(crate) fn violated_by(&mut self, event: &Event) -> bool {
        self.online.push(event).is_some()
    }
}
