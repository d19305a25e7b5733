//! Web nodes with operations, cache nodes, and a network between them, on one clock of their own.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use steadfast_cluster::{Action, Failure, Fleet, Health, NodeId, Settings};
use steadfast_ring::{Dialect, Ring};

use crate::machine::{Machine, Outcome};
use crate::node::{Client, Mode, Node};
use crate::random::Random;

pub(crate) type RunId = usize;
type ConnectionId = usize;

pub(crate) struct World {
    pub(crate) random: Random,
    pub(crate) nodes: Vec<Node>,
    pub(crate) webs: Vec<Web>,
    pub(crate) settings: Settings,
    began: Instant,
    clock: Duration,
    events: BTreeMap<(Duration, u64), Event>,
    numbers: u64,
    runs: HashMap<RunId, Run>,
    connections: HashMap<ConnectionId, Connection>,
}

/// A process that uses the cache nodes: what it thinks of them, and its idle connections.
pub(crate) struct Web {
    pub(crate) fleet: Fleet<()>,
    idle: Vec<Vec<ConnectionId>>,
    /// How many operations have waited in vain for each node, for the tests that count.
    pub(crate) timeouts: usize,
}

/// What the test hears about.
pub(crate) enum Happening {
    /// An operation is over.
    Done(RunId, Outcome),
    /// A time that the test asked for has come.
    Woken(usize),
}

enum Event {
    Arrive(ConnectionId, Vec<u8>),
    Reply(ConnectionId, Vec<u8>),
    Fail(RunId, NodeId, Failure),
    Hangup(ConnectionId),
    Timer(RunId),
    Probes(usize),
    Wake(usize),
    Fault(usize, Mode),
}

struct Run {
    web: usize,
    machine: Box<dyn Machine>,
    connections: HashMap<NodeId, ConnectionId>,
}

struct Connection {
    node: NodeId,
    life: u64,
    client: Client,
    owner: Option<RunId>,
    received: Vec<u8>,
    /// Everything on it is swallowed from now on.
    is_stuck: bool,
    /// Bytes keep their order in both directions.
    arrives: Duration,
    replies: Duration,
}

impl World {
    pub(crate) fn new(seed: u64, nodes: u16, webs: usize, settings: Settings) -> Self {
        #[allow(clippy::disallowed_methods, reason = "where the world's clock begins")]
        let began = Instant::now();
        let fleet = || {
            let mut builder = Ring::builder(Dialect::PECL_CONSISTENT_CRC32);
            for port in 0..nodes {
                builder = builder.node((), "127.0.0.1", 11_211 + port, 1);
            }
            Fleet::new(builder.build().unwrap(), settings, began).unwrap()
        };
        let idle = vec![Vec::new(); usize::from(nodes)];
        Self {
            random: Random::new(seed),
            nodes: (0..nodes).map(|_| Node::new()).collect(),
            webs: (0..webs)
                .map(|_| Web {
                    fleet: fleet(),
                    idle: idle.clone(),
                    timeouts: 0,
                })
                .collect(),
            settings,
            began,
            clock: Duration::ZERO,
            events: BTreeMap::new(),
            numbers: 0,
            runs: HashMap::new(),
            connections: HashMap::new(),
        }
    }

    pub(crate) fn now(&self) -> Instant {
        self.began + self.clock
    }

    pub(crate) fn clock(&self) -> Duration {
        self.clock
    }

    pub(crate) fn start(&mut self, web: usize, machine: impl Machine + 'static) -> RunId {
        let id = self.number() as RunId;
        self.runs.insert(
            id,
            Run {
                web,
                machine: Box::new(machine),
                connections: HashMap::new(),
            },
        );
        self.events
            .insert((self.clock, id as u64), Event::Timer(id));
        id
    }

    pub(crate) fn wake_in(&mut self, wait: Duration, what: usize) {
        self.schedule(wait, Event::Wake(what));
    }

    pub(crate) fn fault_in(&mut self, wait: Duration, node: usize, mode: Mode) {
        self.schedule(wait, Event::Fault(node, mode));
    }

    /// Whether every web node thinks well of every cache node.
    pub(crate) fn is_well(&self) -> bool {
        let is_up = |web: &Web| {
            web.fleet
                .nodes()
                .all(|node| web.fleet.health(node) == Health::Up)
        };
        self.nodes.iter().all(|node| node.mode == Mode::Up) && self.webs.iter().all(is_up)
    }

    /// Lets events happen until one concerns the test; `None` when nothing more will happen.
    pub(crate) fn run(&mut self) -> Option<Happening> {
        while let Some(((at, _), event)) = self.events.pop_first() {
            self.clock = self.clock.max(at);
            let done = match event {
                Event::Wake(what) => return Some(Happening::Woken(what)),
                Event::Fault(node, mode) => {
                    self.fault(node, mode);
                    None
                }
                Event::Arrive(connection, bytes) => {
                    self.arrive(connection, bytes);
                    None
                }
                Event::Reply(connection, bytes) => self.reply(connection, &bytes),
                Event::Hangup(connection) => self.hang_up(connection),
                Event::Fail(run, node, failure) => self.fail(run, node, failure),
                Event::Timer(run) => self.timer(run),
                Event::Probes(web) => {
                    self.probes(web);
                    None
                }
            };
            if done.is_some() {
                return done;
            }
        }
        None
    }

    /// Runs one operation to its end, whatever else happens meanwhile.
    pub(crate) fn finish(&mut self, web: usize, machine: impl Machine + 'static) -> Outcome {
        let wanted = self.start(web, machine);
        loop {
            match self.run().expect("an operation ends") {
                Happening::Done(run, outcome) if run == wanted => return outcome,
                Happening::Done(..) | Happening::Woken(_) => {}
            }
        }
    }

    /// Changes a node's state now. `Up` after a stop starts it empty, after a hang wakes it up.
    pub(crate) fn fault(&mut self, node: usize, mode: Mode) {
        let was_stopped = self.nodes[node].is_stopped();
        if mode == Mode::Up && was_stopped {
            self.nodes[node].start_empty();
        }
        self.nodes[node].mode = mode;
        if mode == Mode::Refusing && !was_stopped {
            let of_node = self
                .connections
                .iter()
                .filter(|(_, c)| c.node.index() == node);
            for id in of_node.map(|(&id, _)| id).collect::<Vec<_>>() {
                self.schedule(LATENCY, Event::Hangup(id));
            }
        }
        if matches!(mode, Mode::Up | Mode::Flaky) {
            for (connection, bytes) in std::mem::take(&mut self.nodes[node].backlog) {
                self.schedule(LATENCY, Event::Arrive(connection, bytes));
            }
        }
    }

    fn drive(&mut self, id: RunId) -> Option<Happening> {
        let now = self.now();
        loop {
            let run = self.runs.get_mut(&id)?;
            let web = run.web;
            match run.machine.poll_action(&mut self.webs[web].fleet, now) {
                Some(Action::Send { node, bytes }) => self.send(id, node, bytes.to_vec()),
                Some(Action::Close { node }) => {
                    self.webs[web].timeouts += 1;
                    if let Some(connection) = run.connections.remove(&node) {
                        self.connections.get_mut(&connection).unwrap().owner = None;
                    }
                }
                Some(Action::Done(outcome)) => {
                    let run = self.runs.remove(&id).unwrap();
                    for (node, connection) in run.connections {
                        self.connections.get_mut(&connection).unwrap().owner = None;
                        self.webs[web].idle[node.index()].push(connection);
                    }
                    self.schedule_probes(web);
                    return match outcome {
                        Outcome::Probed => None,
                        outcome => Some(Happening::Done(id, outcome)),
                    };
                }
                None => {
                    if let Some(at) = run.machine.poll_timeout() {
                        let wait = at.saturating_duration_since(now);
                        self.schedule(wait, Event::Timer(id));
                    }
                    self.schedule_probes(web);
                    return None;
                }
            }
        }
    }

    fn send(&mut self, id: RunId, node: NodeId, bytes: Vec<u8>) {
        let run = self.runs.get_mut(&id).unwrap();
        let idle = &mut self.webs[run.web].idle[node.index()];
        let connection = run.connections.get(&node).copied().or_else(|| idle.pop());
        let connection = match connection {
            Some(connection) => connection,
            None if self.nodes[node.index()].mode == Mode::Refusing => {
                self.schedule(LATENCY, Event::Fail(id, node, Failure::Refused));
                return;
            }
            None => self.connect(node),
        };
        self.runs
            .get_mut(&id)
            .unwrap()
            .connections
            .insert(node, connection);
        let wait = self.latency(node.index());
        let clock = self.clock;
        let connection_state = self.connections.get_mut(&connection).unwrap();
        connection_state.owner = Some(id);
        connection_state.arrives = connection_state.arrives.max(clock + wait);
        let wait = connection_state.arrives - clock;
        self.schedule(wait, Event::Arrive(connection, bytes));
    }

    fn connect(&mut self, node: NodeId) -> ConnectionId {
        let id = self.number() as ConnectionId;
        let state = &self.nodes[node.index()];
        let connection = Connection {
            node,
            life: state.life,
            client: Client::new(),
            owner: None,
            received: Vec::new(),
            is_stuck: state.mode == Mode::Dark,
            arrives: Duration::ZERO,
            replies: Duration::ZERO,
        };
        self.connections.insert(id, connection);
        id
    }

    fn arrive(&mut self, id: ConnectionId, bytes: Vec<u8>) {
        let connection = self.connections.get_mut(&id).unwrap();
        let node = connection.node.index();
        let state = &mut self.nodes[node];
        if connection.is_stuck || state.mode == Mode::Dark {
            return;
        }
        if state.life != connection.life || state.mode == Mode::Refusing {
            self.schedule(LATENCY, Event::Hangup(id));
            return;
        }
        if state.mode == Mode::Hung {
            state.backlog.push((id, bytes));
            return;
        }
        let is_flaky = state.mode == Mode::Flaky;
        if is_flaky && self.random.is_one_in(8) {
            self.connections.get_mut(&id).unwrap().is_stuck = true;
            return;
        }
        let seconds = self.clock.as_secs() as u32;
        let connection = self.connections.get_mut(&id).unwrap();
        let reply = connection
            .client
            .handle_input(&bytes, &self.nodes[node].engine, seconds);
        if is_flaky && self.random.is_one_in(8) {
            self.connections.get_mut(&id).unwrap().is_stuck = true;
            return;
        }
        self.send_reply(id, &reply);
    }

    /// Sends a reply in up to three pieces.
    fn send_reply(&mut self, id: ConnectionId, reply: &[u8]) {
        let node = self.connections[&id].node.index();
        let mut rest = reply;
        while !rest.is_empty() {
            let len = if self.random.is_one_in(2) {
                rest.len()
            } else {
                1 + self.random.below(rest.len())
            };
            let wait = self.latency(node);
            let connection = self.connections.get_mut(&id).unwrap();
            connection.replies = connection.replies.max(self.clock + wait);
            let wait = connection.replies - self.clock;
            self.schedule(wait, Event::Reply(id, rest[..len].to_vec()));
            rest = &rest[len..];
        }
    }

    fn reply(&mut self, id: ConnectionId, bytes: &[u8]) -> Option<Happening> {
        let now = self.now();
        let connection = self.connections.get_mut(&id).unwrap();
        let run_id = connection.owner?;
        connection.received.extend_from_slice(bytes);
        let run = self.runs.get_mut(&run_id).unwrap();
        let fleet = &mut self.webs[run.web].fleet;
        let taken = run
            .machine
            .handle_bytes(connection.node, &connection.received, fleet, now);
        connection.received.drain(..taken);
        self.drive(run_id)
    }

    fn hang_up(&mut self, id: ConnectionId) -> Option<Happening> {
        let connection = self.connections.get_mut(&id).unwrap();
        let node = connection.node;
        let run = connection.owner.take()?;
        self.fail(run, node, Failure::Closed)
    }

    fn fail(&mut self, id: RunId, node: NodeId, failure: Failure) -> Option<Happening> {
        let now = self.now();
        let run = self.runs.get_mut(&id)?;
        if let Some(connection) = run.connections.remove(&node) {
            self.connections.get_mut(&connection).unwrap().owner = None;
        }
        self.webs[run.web].idle[node.index()].clear();
        run.machine
            .handle_failure(node, failure, &mut self.webs[run.web].fleet, now);
        self.drive(id)
    }

    fn timer(&mut self, id: RunId) -> Option<Happening> {
        let now = self.now();
        let run = self.runs.get_mut(&id)?;
        run.machine
            .handle_timeout(&mut self.webs[run.web].fleet, now);
        self.drive(id)
    }

    fn probes(&mut self, web: usize) {
        let now = self.now();
        while let Some(probe) = self.webs[web].fleet.poll_probe(now) {
            self.start(web, probe);
        }
    }

    fn schedule_probes(&mut self, web: usize) {
        if let Some(at) = self.webs[web].fleet.poll_timeout() {
            let wait = at.saturating_duration_since(self.now());
            self.schedule(wait, Event::Probes(web));
        }
    }

    fn latency(&mut self, node: usize) -> Duration {
        let timeout = self.settings.reply_timeout.as_micros() as u64;
        if self.nodes[node].mode == Mode::Flaky && self.random.is_one_in(6) {
            return self.random.micros(timeout / 2, 3 * timeout);
        }
        self.random.micros(50, 2_000)
    }

    fn schedule(&mut self, wait: Duration, event: Event) {
        let number = self.number();
        self.events.insert((self.clock + wait, number), event);
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }
}

/// How soon a machine tells that it has no such connection.
const LATENCY: Duration = Duration::from_micros(100);
