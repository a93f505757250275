//! The controllers that are there, and the orders that each has not taken yet.

use std::{collections::HashMap, sync::Arc};

use holdfast_api_types::{
    StreamId,
    controller::{Command, Order},
};
use tokio::sync::Notify;

/// A controller, from when it attaches until it detaches: one life of its process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source(u32);

/// Tells one connection from every other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Connection {
    pub(super) source: Source,
    pub(super) number: u64,
}

#[derive(Default)]
pub(super) struct Sources {
    attached: HashMap<Source, Attached>,
    last: u32,
}

#[derive(Default)]
struct Attached {
    commands: Vec<Command>,
    stirred: Arc<Notify>,
}

impl Sources {
    pub(super) fn attach(&mut self) -> Source {
        self.last += 1;
        let source = Source(self.last);
        self.attached.insert(source, Attached::default());
        source
    }

    pub(super) fn detach(&mut self, source: Source) {
        self.attached.remove(&source);
    }

    /// Leaves an order for a connection. It is lost if its controller has detached.
    pub(super) fn order(&mut self, connection: Connection, order: Order) {
        if let Some(attached) = self.attached.get_mut(&connection.source) {
            attached.commands.push(Command {
                connection: connection.number,
                order,
            });
            attached.stirred.notify_one();
        }
    }

    /// Takes the order for a stream back, if its controller has not had it yet: one that is away must not find all those
    /// that nobody waits for any more.
    pub(super) fn take_back(&mut self, source: Source, unwanted: &StreamId) {
        if let Some(attached) = self.attached.get_mut(&source) {
            attached.commands.retain(|it| match &it.order {
                Order::OpenStream { stream, .. } => stream != unwanted,
                Order::Push { .. }
                | Order::Burst
                | Order::SetRole { .. }
                | Order::Disconnect { .. } => true,
            });
        }
    }

    /// The orders since the last call.
    pub(super) fn take_commands(&mut self, source: Source) -> Vec<Command> {
        let attached = self.attached.get_mut(&source);
        attached.map_or_else(Vec::new, |it| std::mem::take(&mut it.commands))
    }

    /// What wakes whoever waits for orders.
    pub(super) fn stirred(&self, source: Source) -> Option<Arc<Notify>> {
        self.attached.get(&source).map(|it| it.stirred.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_for_a_stream_can_be_taken_back_until_it_is_taken() {
        let mut sources = Sources::default();
        let source = sources.attach();
        let connection = Connection { source, number: 7 };
        let streams = ["01J9ZQ3V6N8W4T2K5R7M1X0ABC", "01J9ZQ3V6N8W4T2K5R7M1X0ABD"];
        let streams = streams.map(|stream| stream.parse::<StreamId>().unwrap());
        for stream in &streams {
            let stream = stream.clone();
            sources.order(connection, Order::OpenStream { stream, port: 8728 });
        }
        sources.order(connection, Order::Burst);
        sources.take_back(source, &streams[0]);
        let taken = sources.take_commands(source);
        let orders: Vec<_> = taken.into_iter().map(|it| it.order).collect();
        let [_, wanted] = streams;
        let wanted = Order::OpenStream {
            stream: wanted,
            port: 8728,
        };
        assert_eq!(orders, [wanted, Order::Burst]);
    }

    #[test]
    fn orders_for_a_controller_that_is_gone_are_lost() {
        let mut sources = Sources::default();
        let source = sources.attach();
        sources.detach(source);
        sources.order(Connection { source, number: 7 }, Order::Burst);
        assert!(sources.take_commands(source).is_empty());
        assert!(sources.stirred(source).is_none());
    }
}
