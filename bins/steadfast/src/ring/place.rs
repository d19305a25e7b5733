//! `steadfast ring place`: the nodes of many keys.

use std::io;

use steadfast_ring::Order;

use super::Failure;
use super::keys::Answers;
use super::options::Source;
use super::target::Target;

/// Answers each key of standard input with the index of its node, or of the nodes of its copies.
pub(crate) fn run(source: &Source) -> Result<(), Failure> {
    let mut target = Target::of_source(source)?;
    let is_whole_list = source.rules.list.is_some() && source.rules.copies.is_none();
    if is_whole_list && target.pool.copies.is_none() {
        target.copies = target.ring.members().len();
    }
    // The numbers are few and the keys are many.
    let nodes = target.ring.members().len();
    let numbers: Vec<String> = (0..nodes).map(|index| index.to_string()).collect();
    let mut hashed = Vec::new();
    let answer = |key: &[u8], answers: &mut Vec<u8>| {
        let key = target.key_of(key, &mut hashed);
        if target.order == Order::Pool && target.copies == 1 {
            answers.extend_from_slice(numbers[target.ring.owner(key).index()].as_bytes());
        } else {
            let copies = target.ring.replicas(key, target.order, target.copies);
            for (copy, member) in copies.iter().enumerate() {
                if copy > 0 {
                    answers.push(b',');
                }
                answers.extend_from_slice(numbers[member.index()].as_bytes());
            }
        }
        answers.push(b'\n');
    };
    let prefix_bytes = target.pool.prefix.len();
    Answers::new(io::stdout().lock(), prefix_bytes, answer).take_all(io::stdin().lock())
}
