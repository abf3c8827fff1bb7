//! What a cluster of programs that are not ours consists of.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use polygraph_history::settings::Settings;
use polygraph_history::{Link, NodeId};

use super::template::{Unfillable, fill};

/// A program and its arguments, with places to be filled in; never empty.
pub type Words = Vec<String>;

/// The programs of a system, and how they are spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programs {
    /// Where they are started.
    pub folder: PathBuf,
    /// Where the nodes are.
    pub nodes: Nodes,
    /// What tells that a node leads: it prints the epoch in which it does, or nothing.
    pub leads: Option<Words>,
    /// What speaks to a node for one client, in lines of JSON.
    pub client: Words,
}

/// The nodes of a system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Nodes {
    /// They are started, and can be broken.
    Started(Started),
    /// They run already, at these addresses, one a node; nothing is done to them.
    Running(Vec<String>),
}

/// How nodes are started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// What starts a node; it runs until it is killed.
    pub start: Words,
    /// The names of the ports that each node gets. The first is the one for clients.
    pub ports: Vec<String>,
    /// The port by which nodes talk to each other, if faults are to come between.
    pub links: Option<String>,
    /// What ends with 0 when a node can be used; without it, when the first port accepts a
    /// connection.
    pub ready: Option<Words>,
    /// How long that may take.
    pub ready_within: Duration,
}

/// The name of the port of nodes that run already.
const CLIENT: &str = "client";

impl Programs {
    /// Checks that everything can be filled in.
    ///
    /// # Errors
    /// The first text that cannot be, and what is known.
    pub fn check(&self, settings: &Settings) -> Result<(), Unfillable> {
        let map = Map::new(self, 2, settings);
        let seat = map.seat(NodeId::at(0), PathBuf::new());
        let mut all = vec![&self.client];
        all.extend(&self.leads);
        if let Nodes::Started(started) = &self.nodes {
            all.push(&started.start);
            all.extend(&started.ready);
        }
        all.into_iter()
            .try_for_each(|words| seat.fill(words).map(drop))
    }
}

/// Where everything of a cluster is.
#[derive(Clone, Debug)]
pub(super) struct Map {
    pub(super) programs: Programs,
    settings: BTreeMap<String, String>,
    pub(super) ids: Vec<NodeId>,
    /// The names of ports.
    names: Vec<String>,
    /// The address of each node's ports, by name.
    addresses: Vec<BTreeMap<String, String>>,
    /// Where a node connects to reach another by the port of links.
    pub(super) forwarded: BTreeMap<Link, SocketAddr>,
}

impl Map {
    /// A cluster of so many nodes, whose ports are not known yet if it is to be started.
    pub(super) fn new(programs: &Programs, nodes: usize, settings: &Settings) -> Map {
        let ids = match &programs.nodes {
            Nodes::Started(_) => NodeId::all(nodes),
            Nodes::Running(addresses) => NodeId::all(addresses.len()),
        };
        let names = match &programs.nodes {
            Nodes::Started(started) => started.ports.clone(),
            Nodes::Running(_) => vec![CLIENT.to_owned()],
        };
        let nowhere = || {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).to_string();
            names
                .iter()
                .map(|name| (name.clone(), address.clone()))
                .collect()
        };
        let addresses = match &programs.nodes {
            Nodes::Started(_) => ids.iter().map(|_| nowhere()).collect(),
            Nodes::Running(addresses) => addresses
                .iter()
                .map(|address| BTreeMap::from([(CLIENT.to_owned(), address.clone())]))
                .collect(),
        };
        let settings = settings
            .iter()
            .map(|(key, value)| (key.to_owned(), value.to_string()))
            .collect();
        Map {
            programs: programs.clone(),
            settings,
            ids,
            names,
            addresses,
            forwarded: BTreeMap::new(),
        }
    }

    /// The nodes that are started, and how.
    pub(super) const fn started(&self) -> Option<&Started> {
        match &self.programs.nodes {
            Nodes::Started(started) => Some(started),
            Nodes::Running(_) => None,
        }
    }

    /// Says where a port of a node is.
    pub(super) fn place(&mut self, node: NodeId, port: &str, at: SocketAddr) {
        self.addresses[node.position()].insert(port.to_owned(), at.to_string());
    }

    /// The address of a port of a node.
    pub(super) fn address(&self, node: NodeId, port: &str) -> &str {
        self.addresses[node.position()]
            .get(port)
            .map_or("", String::as_str)
    }

    /// The address at which clients reach a node.
    pub(super) fn for_clients(&self, node: NodeId) -> &str {
        self.names
            .first()
            .map_or("", |name| self.address(node, name))
    }

    /// All addresses of a node, by the name of the port.
    pub(super) fn addresses(&self, node: NodeId) -> &BTreeMap<String, String> {
        &self.addresses[node.position()]
    }

    pub(super) const fn settings(&self) -> &BTreeMap<String, String> {
        &self.settings
    }

    /// What one node sees of it.
    pub(super) const fn seat(&self, node: NodeId, data: PathBuf) -> Seat<'_> {
        Seat {
            map: self,
            node,
            data,
        }
    }

    /// Where a node reaches a port of another, or its own.
    fn seen_from(&self, from: NodeId, to: NodeId, port: &str) -> String {
        let is_link = self.started().and_then(|started| started.links.as_deref()) == Some(port);
        let link = Link { from, to };
        match self.forwarded.get(&link).filter(|_| is_link) {
            Some(forwarded) => forwarded.to_string(),
            None => self.address(to, port).to_owned(),
        }
    }
}

/// What one node sees of a cluster.
pub(super) struct Seat<'a> {
    map: &'a Map,
    node: NodeId,
    /// Where it may keep what it is to remember.
    data: PathBuf,
}

impl Seat<'_> {
    /// Fills in the places of a command.
    pub(super) fn fill(&self, words: &[String]) -> Result<Words, Unfillable> {
        let known = |name: &str| self.known(name);
        words.iter().map(|word| fill(word, &known)).collect()
    }

    /// What a name stands for.
    fn known(&self, name: &str) -> Result<String, String> {
        let Map {
            ids,
            names,
            settings,
            ..
        } = self.map;
        let port = |name: &str| match names.iter().find(|&known| known == name) {
            Some(port) => Ok(port.clone()),
            None => Err(format!(
                "there is no port `{name}`; there are {}",
                names.join(", ")
            )),
        };
        let others = || ids.iter().filter(|&&id| id != self.node);
        let list = |nodes: Vec<NodeId>, port: String| {
            let seen = nodes
                .into_iter()
                .map(|id| self.map.seen_from(self.node, id, &port));
            seen.collect::<Vec<_>>().join(",")
        };
        Ok(match name.split_once('.') {
            None => match name {
                "node" => self.node.to_string(),
                "number" => (self.node.position() + 1).to_string(),
                "nodes" => ids.len().to_string(),
                "data" => self.data.display().to_string(),
                "folder" => self.map.programs.folder.display().to_string(),
                _ => return Err(unknown(name)),
            },
            Some(("port", name)) => {
                let address = self.map.address(self.node, &port(name)?);
                address
                    .rsplit_once(':')
                    .map_or("", |(_, port)| port)
                    .to_owned()
            }
            Some(("address", name)) => self.map.address(self.node, &port(name)?).to_owned(),
            Some(("peers", name)) => list(others().copied().collect(), port(name)?),
            Some(("all", name)) => list(ids.clone(), port(name)?),
            Some(("set", key)) => settings
                .get(key)
                .cloned()
                .ok_or_else(|| format!("there is no setting `{key}`"))?,
            Some(_) => return Err(unknown(name)),
        })
    }
}

fn unknown(name: &str) -> String {
    format!(
        "`{{{name}}}` is not known; there are node, number, nodes, data, folder, port.NAME, \
         address.NAME, peers.NAME, all.NAME and set.KEY"
    )
}
