//! Watches a project: each member by itself, and what is wrong with any of
//! them as one problem, which is the worst of them.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    checkpoint::Checkpoint,
    policy::Policy,
    problem::{Closed, Finding, Intent, LastChange, Missed, Problem, Who},
    service::ServiceWatch,
    snapshot::Snapshot,
    standing::Standing,
};
use crate::domain::{
    change::Change,
    member::Member,
    observation::{Observation, State},
    runtime::{EventKind, RuntimeEvent},
};

/// What fails so soon after people were notified is told by an edit: it fell
/// with what they know of. Later, it is news.
const TOGETHER: SignedDuration = SignedDuration::from_secs(60);
/// Members watched: what a host makes up beyond that is not followed.
const MEMBERS: usize = 500;

/// Watches one project.
#[derive(Debug)]
pub struct ProjectWatch {
    policy: Policy,
    stop_timeout: Option<Duration>,
    members: BTreeMap<Member, ServiceWatch>,
    /// Whether it was looked at.
    seen: bool,
    /// The change that goes on.
    held: Option<Held>,
    /// A change is over, and what it has left out is not looked at yet.
    left_out: Option<LeftOut>,
    /// What is wrong, as it was told last.
    open: Option<Problem>,
    /// Members that people know to be in trouble since it was opened.
    told: BTreeSet<Member>,
    told_at: Option<Timestamp>,
    /// How the last of its problems ended.
    ended: Option<Closed>,
    /// When there was reason to notify again while it was open, for whichever
    /// member.
    relapses: BTreeSet<Timestamp>,
}

/// A change that goes on.
#[derive(Debug)]
struct Held {
    /// Of the members of this name, or of all.
    called: Option<String>,
    /// Those that it is about, and those that came up meanwhile.
    members: BTreeSet<Member>,
    /// Those that were known when it began.
    known: BTreeSet<Member>,
    /// Whether it puts a version in place.
    deploys: bool,
}

/// What a change may have left out. A look that began before its end does not
/// show it.
#[derive(Debug)]
struct LeftOut {
    since: Timestamp,
    /// Those that are missed when they are gone; none where a new version says
    /// what there is.
    missed: Option<BTreeSet<Member>>,
}

/// What is kept of a project's watch over a restart of the bot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectCheckpoint {
    members: Vec<(Member, Checkpoint)>,
    pub(super) open: Option<Problem>,
    told: Vec<Member>,
    told_at: Option<Timestamp>,
    relapses: Vec<Timestamp>,
}

impl ProjectWatch {
    /// Nothing known yet.
    pub fn new(policy: Policy, stop_timeout: Option<Duration>) -> Self {
        Self {
            policy,
            stop_timeout,
            members: BTreeMap::new(),
            seen: false,
            held: None,
            left_out: None,
            open: None,
            told: BTreeSet::new(),
            told_at: None,
            ended: None,
            relapses: BTreeSet::new(),
        }
    }

    /// What is wrong with it.
    pub fn open(&self) -> Option<&Problem> {
        self.open.as_ref()
    }

    /// Its members, as far as they are known.
    pub fn members(&self) -> impl Iterator<Item = (&Member, &ServiceWatch)> {
        self.members.iter()
    }

    /// Who stopped it as a whole, and when the last member was.
    pub fn intent(&self) -> &Intent {
        let intents = || self.members.values().map(ServiceWatch::intent);
        let stopped = || intents().filter(|intent| matches!(intent, Intent::Stopped { .. }));
        if intents().any(|intent| *intent == Intent::Run) {
            return &Intent::Run;
        }
        stopped().next_back().unwrap_or(&Intent::Unknown)
    }

    /// How it stands, in a word.
    pub fn standing(&self) -> Standing {
        let standings: Vec<Standing> = self.members.values().map(ServiceWatch::standing).collect();
        let any = |wanted: &dyn Fn(&Standing) -> bool| standings.iter().find(|one| wanted(one)).cloned();
        if standings.is_empty() {
            return if self.seen { Standing::Absent } else { Standing::Unseen };
        }
        any(&|one| *one == Standing::Unseen)
            .or_else(|| any(&|one| *one == Standing::Up))
            .or_else(|| any(&|one| *one == Standing::Paused))
            .or_else(|| any(&|one| matches!(one, Standing::Stopped(Some(_)))))
            .or_else(|| any(&|one| matches!(one, Standing::Stopped(None))))
            .unwrap_or(Standing::Absent)
    }

    /// A change begins, of all of it or of the members of a name.
    pub fn change_begins(&mut self, change: Change, member: Option<&str>) {
        let called = |one: &Member| member.is_none_or(|member| one.is_called(member));
        // What somebody stopped, and what is done, no restart of all of it starts.
        let touched = |watch: &ServiceWatch| {
            member.is_some() || change != Change::Restart || !matches!(watch.standing(), Standing::Stopped(_))
        };
        let about = self.members.iter().filter(|(one, watch)| called(one) && touched(watch));
        self.held = Some(Held {
            called: member.map(str::to_owned),
            members: about.map(|(one, _)| one.clone()).collect(),
            known: self.members.keys().cloned().collect(),
            deploys: change.deploys(),
        });
        self.each_held(ServiceWatch::change_begins);
    }

    /// It is over. `None` when it never began, and touched nothing.
    pub fn change_ended(&mut self, change: Option<&LastChange>, now: Timestamp) -> Option<Finding> {
        let mut ended = None;
        self.each_held(|watch| ended = closing(watch.change_ended(change.cloned(), now)).or(ended.take()));
        self.ended = ended.or(self.ended.take());
        if let (Some(held), Some(change)) = (self.held.take(), change) {
            let missed = (!(held.deploys && change.succeeded)).then_some(held.known);
            self.left_out = Some(LeftOut { since: now, missed });
        }
        self.settle(now)
    }

    fn each_held(&mut self, mut tell: impl FnMut(&mut ServiceWatch)) {
        let Some(held) = &self.held else { return };
        for (_, watch) in self.members.iter_mut().filter(|(member, _)| held.members.contains(*member)) {
            tell(watch);
        }
    }

    /// None of it can be seen any more.
    pub fn blinded(&mut self, engine: bool, now: Timestamp) {
        for watch in self.members.values_mut() {
            watch.blinded(engine, now);
        }
    }

    /// Takes an event of a member.
    pub fn event(&mut self, event: &RuntimeEvent, now: Timestamp) -> Option<Finding> {
        let (_, member) = event.of.as_ref()?;
        let found = self.member(member)?.event(event, now);
        self.ended = closing(found).or(self.ended.take());
        let kin = |(other, watch): (&Member, &ServiceWatch)| {
            other != member && other.part == member.part && watch.standing() != Standing::Absent
        };
        // Where a new one took its place already, that is not the one that went.
        let gone = self.members.get(member).is_some_and(|watch| watch.standing() == Standing::Absent);
        if event.kind == EventKind::Removed && gone && self.members().any(kin) {
            self.let_go(member);
        }
        self.settle(now)
    }

    /// Takes a look at it. Says what had happened unseen to the first member
    /// that something had happened to.
    pub fn snapshot(&mut self, seen: &Observation, snapshot: Snapshot) -> (Option<Finding>, Option<Missed>) {
        if let (State::Unknown(_), true) = (&seen.state, seen.members.is_empty()) {
            return (None, None);
        }
        let now = seen.at;
        self.seen = true;
        let gone: Vec<Member> = self
            .members
            .keys()
            .filter(|known| !seen.members.iter().any(|(member, _)| member == *known))
            .cloned()
            .collect();
        let absent = Observation::bare(seen.service.clone(), now, State::NotDeployed);
        let there = seen.members.iter().map(|(member, seen)| (member.clone(), seen));
        let mut missed = None;
        for (member, seen) in there.chain(gone.iter().map(|member| (member.clone(), &absent))) {
            let Some(watch) = self.member(&member) else { continue };
            let (found, unseen) = watch.snapshot(seen, snapshot);
            self.ended = closing(found).or(self.ended.take());
            missed = missed.or(unseen);
        }
        if self.held.is_none() {
            self.forget(&gone, seen, snapshot.began);
        }
        (self.settle(now), missed)
    }

    /// Lets go of what is gone for good: what a change through the bot has left
    /// out, and what is one too many of its kind. Anything else is missing.
    fn forget(&mut self, gone: &[Member], seen: &Observation, began: Timestamp) {
        let left_out = self.left_out.take_if(|left_out| left_out.since < began);
        let is_left_out = |member| match &left_out {
            Some(LeftOut { missed: Some(missed), .. }) => !missed.contains(member),
            Some(LeftOut { missed: None, .. }) => true,
            None => false,
        };
        for member in gone {
            let fewer = seen.members.iter().any(|(other, _)| other.part == member.part);
            if fewer || is_left_out(member) {
                self.let_go(member);
            }
        }
    }

    fn let_go(&mut self, member: &Member) {
        self.members.remove(member);
        self.ended.get_or_insert(Closed::Stopped(Who::Outside));
    }

    fn member(&mut self, member: &Member) -> Option<&mut ServiceWatch> {
        if !self.members.contains_key(member) {
            if self.members.len() >= MEMBERS {
                return None;
            }
            let mut watch = ServiceWatch::member(self.policy.clone(), self.stop_timeout);
            if let Some(held) = self.held.as_mut()
                && held.called.as_ref().is_none_or(|called| member.is_called(called))
            {
                held.members.insert(member.clone());
                watch.change_begins();
            }
            self.members.insert(member.clone(), watch);
        }
        self.members.get_mut(member)
    }

    /// Looks at the clock.
    pub fn tick(&mut self, now: Timestamp) -> Option<Finding> {
        for watch in self.members.values_mut() {
            self.ended = closing(watch.tick(now)).or(self.ended.take());
        }
        self.settle(now)
    }

    /// When the clock should be looked at next.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.members.values().filter_map(ServiceWatch::deadline).min()
    }

    /// Whether a member died and somebody should look what came of it.
    pub fn wants_snapshot(&mut self, now: Timestamp) -> bool {
        // Each is asked: it asks once per death.
        self.members.values_mut().fold(false, |wanted, watch| watch.wants_snapshot(now) | wanted)
    }

    /// What is wrong with all of it, and whether that is news.
    fn settle(&mut self, now: Timestamp) -> Option<Finding> {
        let problem = self.problem(now);
        match (self.open.clone(), problem) {
            (None, None) => {
                self.ended = None;
                None
            }
            (None, Some(problem)) => {
                self.open = Some(problem.clone());
                Some(Finding::Opened(problem))
            }
            (Some(open), Some(problem)) if open == problem => None,
            (Some(_), Some(problem)) => {
                self.open = Some(problem.clone());
                Some(Finding::Changed(problem))
            }
            (Some(open), None) => {
                self.open = None;
                self.told.clear();
                self.told_at = None;
                self.relapses.clear();
                Some(Finding::Closed(match self.ended.take() {
                    Some(Closed::Recovered { steady, .. }) => {
                        Closed::Recovered { lasted: now.duration_since(open.since), steady }
                    }
                    Some(stopped @ Closed::Stopped(_)) => stopped,
                    None => Closed::Stopped(Who::Outside),
                }))
            }
        }
    }

    /// The worst of what is wrong, with the names of all that is.
    fn problem(&mut self, now: Timestamp) -> Option<Problem> {
        let troubled: Vec<(&Member, &Problem)> =
            self.members.iter().filter_map(|(member, watch)| Some((member, watch.open()?))).collect();
        let (worst, problem) =
            troubled.iter().max_by_key(|(member, problem)| (problem.kind, Reverse(problem.since), Reverse(*member)))?;
        let shown = |member: &Member| member.shown(self.members.keys());
        let also = troubled.iter().filter(|(member, _)| member != worst).map(|(member, _)| shown(member)).collect();
        let alone = self.members.len() == 1;
        let mut problem = Problem { member: Some(shown(worst)), alone, also, ..(*problem).clone() };
        self.told.retain(|member| troubled.iter().any(|(other, _)| *other == member));
        self.relapses.extend(troubled.iter().flat_map(|(_, problem)| problem.relapses.iter().copied()));
        // What pages and was not among those that people were notified of is news, unless it fell with them.
        let new: Vec<Member> = troubled
            .iter()
            .filter(|(member, problem)| problem.pages() && !self.told.contains(*member))
            .map(|(member, _)| (*member).clone())
            .collect();
        if !new.is_empty() {
            match self.told_at {
                Some(at) if now.duration_since(at) <= TOGETHER => {}
                Some(_) => {
                    self.relapses.insert(now);
                    self.told_at = Some(now);
                }
                // The first that pages is loud by itself.
                None => self.told_at = Some(now),
            }
            self.told.extend(new);
        }
        problem.notices = Some(self.relapses.len());
        Some(problem)
    }

    /// What has to be kept over a restart of the bot.
    pub fn checkpoint(&self) -> ProjectCheckpoint {
        ProjectCheckpoint {
            members: self.members.iter().map(|(member, watch)| (member.clone(), watch.checkpoint())).collect(),
            open: self.open.clone(),
            told: self.told.iter().cloned().collect(),
            told_at: self.told_at,
            relapses: self.relapses.iter().copied().collect(),
        }
    }

    /// What was wrong with something else of that name is to be told as over.
    pub fn adopt(&mut self, open: Option<Problem>) {
        self.open = open;
    }

    /// Goes on from what an earlier process knew at a time.
    pub fn restore(&mut self, memory: ProjectCheckpoint, known_at: Timestamp) {
        let ProjectCheckpoint { members, open, told, told_at, relapses } = memory;
        for (member, checkpoint) in members {
            let mut watch = ServiceWatch::member(self.policy.clone(), self.stop_timeout);
            watch.restore(checkpoint, known_at);
            self.members.insert(member, watch);
        }
        self.relapses = relapses.into_iter().collect();
        self.open = open;
        self.told = told.into_iter().collect();
        self.told_at = told_at;
    }
}

/// How a member's problem ended, if that is what was found.
fn closing(found: Option<Finding>) -> Option<Closed> {
    match found? {
        Finding::Closed(closed) => Some(closed),
        Finding::Opened(_) | Finding::Changed(_) => None,
    }
}
