//! How a project is, by how its members are.

use std::cmp::Reverse;

use jiff::Timestamp;

use super::{
    member::Member,
    names::ServiceName,
    observation::{Health, Observation, State},
};

/// A project is as its worst member.
pub fn fold(service: ServiceName, at: Timestamp, mut members: Vec<(Member, Observation)>) -> Observation {
    members.sort_by(|(one, _), (other, _)| one.cmp(other));
    let worst = members.iter().max_by_key(|(member, seen)| (rank(seen), Reverse(member.clone())));
    match worst.map(|(_, seen)| seen.clone()) {
        Some(seen) => Observation { members, ..seen },
        None => Observation::bare(service, at, State::NotDeployed),
    }
}

/// The worse the higher. What has done what it was there for is best.
fn rank(seen: &Observation) -> u8 {
    match (&seen.state, seen.health) {
        (state, _) if state.is_done() => 0,
        (State::Running, Health::None | Health::Healthy) => 1,
        (State::Running, Health::Starting) => 2,
        (State::Created, _) => 3,
        (State::Paused, _) => 4,
        (State::Removing, _) => 5,
        (State::Running, Health::Unhealthy) => 6,
        (State::NotDeployed, _) => 7,
        (State::Exited(_), _) => 8,
        (State::Restarting { .. }, _) => 9,
        (State::Unknown(_), _) => 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{names::MemberName, observation::Death};

    fn member(part: &str, number: u32) -> Member {
        Member { part: MemberName::parse(part).unwrap(), number }
    }

    fn seen(state: State) -> Observation {
        Observation::bare(ServiceName::parse("cloud").unwrap(), Timestamp::UNIX_EPOCH, state)
    }

    fn folded(states: Vec<State>) -> State {
        let members = (1..).zip(states).map(|(number, state)| (member("web", number), seen(state)));
        fold(ServiceName::parse("cloud").unwrap(), Timestamp::UNIX_EPOCH, members.collect()).state
    }

    #[test]
    fn a_project_is_as_its_worst_member_and_what_is_done_is_no_trouble() {
        let died = |code| State::Exited(Death::exit(code));
        assert_eq!(folded(vec![State::Running, died(0)]), State::Running);
        assert_eq!(folded(vec![State::Running, died(1), State::Running]), died(1));
        assert_eq!(folded(vec![died(0), died(0)]), died(0));
        assert_eq!(folded(vec![]), State::NotDeployed);
        let unknown = State::Unknown("no".into());
        assert_eq!(folded(vec![died(1), unknown.clone()]), unknown);
    }
}
