//! A room, a host with services on it, a bot that watches both, and what it
//! said of them in the end.

use std::cell::RefCell;

use opsroom_lab::{
    Bot, Host, Message, Speaker as _, anything,
    bot::BotPlan,
    containing,
    message::{EventId, reply_to},
    page,
    room::Reading,
};

use super::{canary::Canary, said::Said, table};
use crate::{
    outcome::outcome,
    stage::{LIMIT, Stage},
};

/// The product's own limits where they make no difference to what is told, and
/// short ones where it only takes longer.
pub(crate) const LIMITS: &str = "[watch]\nquiet = \"3s\"\nabsent_after = \"5s\"\nunhealthy_after = \"1s\"\n";

/// What happened to a service, and how many alarms that is.
pub(crate) type Act<'a> = (&'a str, &'a str, usize);

/// See the module.
pub(crate) struct Scene {
    pub(crate) stage: Stage,
    pub(crate) bot: Bot,
    canary: Canary,
    /// The questions after which it had seen everything: see [`Self::sees`].
    asked: RefCell<Vec<EventId>>,
}

impl Scene {
    /// With a bot that has seen all there is, and hears what happens. The end
    /// waits for longer than `last_word`.
    #[track_caller]
    pub(crate) fn begin(stage: Stage, plan: BotPlan, last_word: &str, hears: impl FnOnce(&Host)) -> Self {
        let canary = Canary::sings(&stage);
        let bot = canary.known(plan, last_word).start();
        hears(&stage.host);
        let scene = Self { stage, bot, canary, asked: RefCell::default() };
        scene.sees();
        scene
    }

    /// Waits until the bot has seen how everything is now.
    #[track_caller]
    pub(crate) fn sees(&self) {
        let asked = self.stage.alice.says(&self.stage.room, "!status");
        let answer = self.reads().reply_to(&asked, anything());
        assert_eq!(answer.sender, self.bot.user());
        self.asked.borrow_mut().push(asked);
    }

    pub(crate) fn host(&self) -> &Host {
        &self.stage.host
    }

    pub(crate) fn reads(&self) -> Reading<'_> {
        self.stage.room.reads(&self.stage.alice).within(LIMIT)
    }

    /// Waits for the next message of the bot that says this.
    #[track_caller]
    pub(crate) fn told(&self, what: &str) -> Message {
        self.reads().next_from(&self.bot, containing(what))
    }

    /// The same, of one that makes a phone ring.
    #[track_caller]
    pub(crate) fn paged(&self, what: &str) -> Message {
        self.reads().next_from(&self.bot, page(&self.stage.alice).and(containing(what)))
    }

    /// Alice asks for a change, and it is told how it ended.
    #[track_caller]
    pub(crate) fn changes(&self, command: &str, result: &str) {
        let asked = self.stage.alice.says(&self.stage.room, command);
        self.reads().next_from(&self.bot, containing(result).and(outcome()).and(reply_to(&asked)));
    }

    /// The canary dies: when that is told, whatever else there was to tell has
    /// been, because it takes the watch longer to be sure of than anything else.
    #[track_caller]
    pub(crate) fn nothing_more_comes(&self) {
        self.canary.dies();
        self.paged("canary is not deployed any more");
    }

    /// What the bot said of its own accord, and to commands. A change that did
    /// not fail is one answer: only how long it took says whether in two messages.
    pub(crate) fn said(&self) -> Vec<Said> {
        let of_the_row = |message: &Message| {
            let head = message.text().lines().next().unwrap_or_default();
            let told_apart = head.starts_with('✅') && message.reply_to.is_some() && !outcome().holds(message);
            let of_a_look = message.reply_to.as_ref().is_some_and(|asked| self.asked.borrow().contains(asked));
            !of_a_look && !head.contains("canary") && !told_apart
        };
        let all = self.reads().messages_from(&self.bot);
        all.iter().filter(|message| of_the_row(message)).map(|message| Said::of(message, &self.stage)).collect()
    }

    /// Nothing more is to come, so many alarms of each rang, and each is a row.
    #[track_caller]
    pub(crate) fn end(&self, acts: &[Act<'_>]) {
        self.nothing_more_comes();
        let said = self.said();
        let mut told = 0;
        for (service, row, alarms) in acts {
            let own: Vec<Said> = said.iter().filter_map(|said| said.only_of(service)).collect();
            self.is_row(row, &own, |rang| rang == *alarms);
            told += own.len();
        }
        assert_eq!(told, said.len(), "something is of none of them:\n{}", self.reads().transcript());
    }

    /// This is the row, and so many alarms rang.
    #[track_caller]
    pub(crate) fn is_row(&self, row: &str, said: &[Said], alarms: impl Fn(usize) -> bool) {
        let rang = said.iter().filter(|said| said.alarms()).count();
        assert!(alarms(rang), "{rang} alarms of {row:?}:\n{}", self.reads().transcript());
        table::is_row(row, said);
    }
}
