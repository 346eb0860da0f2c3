//! A JSON syntax checker that takes its input in pieces.

use crate::state::StateError;

/// Deepest nesting that Go's decoder accepts.
const MAX_DEPTH: usize = 10_000;

/// What a step of [`Scanner::advance`] came upon in the members of the top-level object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::state) enum Event {
    /// The chunk is used up.
    ChunkEnd,
    /// The last byte taken is the opening quote of a key.
    KeyStart,
    /// The last byte taken is the closing quote of a key.
    KeyEnd,
    /// The last byte taken is the first of a member's value.
    ValueStart,
    /// The last byte taken is the last of a member's value.
    ValueEnd,
}

/// Checks JSON syntax byte by byte, remembering only the open brackets.
#[derive(Debug)]
pub(in crate::state) struct Scanner {
    state: State,
    /// Open containers, outermost first; true for objects.
    open: Vec<bool>,
    offset: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// A value must follow.
    Value,
    /// A value or `]` must follow.
    FirstElement,
    /// A key must follow.
    Key,
    /// A key or `}` must follow.
    FirstKey,
    Colon,
    /// `,` or the closing bracket must follow.
    Next,
    Text(Text),
    Number(Number),
    /// The rest of `true`, `false` or `null`.
    Word(&'static [u8]),
    /// Only white space may follow.
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Text {
    is_key: bool,
    part: TextPart,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TextPart {
    Plain,
    Escape,
    /// So many hex digits are still to come.
    Hex(u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Number {
    Minus,
    Zero,
    Integer,
    Point,
    Fraction,
    Exponent,
    ExponentSign,
    ExponentDigits,
}

impl Scanner {
    pub(in crate::state) fn new() -> Self {
        Self { state: State::Value, open: Vec::new(), offset: 0 }
    }

    /// Takes bytes of `chunk` up to the next event; returns how many were taken.
    ///
    /// # Errors
    /// [`StateError::Syntax`] at the first byte that can't stand where it is; the scanner is of no use afterwards.
    pub(in crate::state) fn advance(&mut self, chunk: &[u8]) -> Result<(usize, Event), StateError> {
        let mut at = 0;
        loop {
            let run = self.run(&chunk[at..]);
            at += run;
            self.offset += run as u64;
            let Some(&byte) = chunk.get(at) else { break };
            let (before, depth_before) = (self.state, self.open.len());
            let taken = self.step(byte).ok_or_else(|| StateError::Syntax { offset: self.offset + 1 })?;
            at += usize::from(taken);
            self.offset += u64::from(taken);
            if depth_before <= 2
                && let Some(event) = self.event(before, depth_before)
            {
                return Ok((at, event));
            }
        }
        Ok((at, Event::ChunkEnd))
    }

    /// Checks that the document is complete.
    ///
    /// # Errors
    /// [`StateError::Syntax`] if it isn't.
    pub(in crate::state) fn finish(&self) -> Result<(), StateError> {
        let complete = match self.state {
            State::End => true,
            State::Number(number) => self.open.is_empty() && number.may_end(),
            _ => false,
        };
        if complete { Ok(()) } else { Err(StateError::Syntax { offset: self.offset }) }
    }

    /// How many bytes at the start of `rest` change nothing but the offset.
    fn run(&self, rest: &[u8]) -> usize {
        match self.state {
            State::Text(PLAIN_KEY | PLAIN_VALUE) => {
                run(rest, |byte| byte >= 0x20 && byte != b'"' && byte != b'\\')
            }
            State::Text(_) | State::Number(_) | State::Word(_) => 0,
            _ => run(rest, |byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')),
        }
    }

    /// The event that the step from `before` to now stands for, if it concerns the top-level object.
    fn event(&self, before: State, depth_before: usize) -> Option<Event> {
        let depth = self.open.len();
        if !*self.open.first()? || (self.state == before && depth == depth_before) {
            return None;
        }
        match (before, self.state) {
            (State::Key | State::FirstKey, State::Text(_)) if depth == 1 => Some(Event::KeyStart),
            (State::Text(_), State::Colon) if depth == 1 => Some(Event::KeyEnd),
            (State::Value, _) if depth_before == 1 => Some(Event::ValueStart),
            (State::Next, _) if depth_before == 1 => None,
            (_, State::Next) if depth == 1 => Some(Event::ValueEnd),
            _ => None,
        }
    }

    /// Takes one byte: true if it was used, false if it only ended a number and has to be looked at again.
    fn step(&mut self, byte: u8) -> Option<bool> {
        match self.state {
            State::Text(text) => self.text(text, byte)?,
            State::Number(number) => match number.next(byte) {
                Some(next) => self.state = State::Number(next),
                None if number.may_end() => {
                    self.value_ended();
                    return Some(false);
                }
                None => return None,
            },
            State::Word(rest) => self.word(rest, byte)?,
            State::FirstElement if byte == b']' => self.close(false)?,
            State::Value | State::FirstElement => self.value(byte)?,
            State::FirstKey if byte == b'}' => self.close(true)?,
            State::Key | State::FirstKey if byte == b'"' => self.state = State::Text(PLAIN_KEY),
            State::Colon if byte == b':' => self.state = State::Value,
            State::Next => self.next(byte)?,
            State::Key | State::FirstKey | State::Colon | State::End => return None,
        }
        Some(true)
    }

    fn value(&mut self, byte: u8) -> Option<()> {
        self.state = match byte {
            b'{' => self.open(true, State::FirstKey)?,
            b'[' => self.open(false, State::FirstElement)?,
            b'"' => State::Text(PLAIN_VALUE),
            b'-' => State::Number(Number::Minus),
            b'0' => State::Number(Number::Zero),
            b'1'..=b'9' => State::Number(Number::Integer),
            b't' => State::Word(b"rue"),
            b'f' => State::Word(b"alse"),
            b'n' => State::Word(b"ull"),
            _ => return None,
        };
        Some(())
    }

    fn open(&mut self, object: bool, then: State) -> Option<State> {
        (self.open.len() < MAX_DEPTH).then(|| self.open.push(object))?;
        Some(then)
    }

    fn close(&mut self, object: bool) -> Option<()> {
        (self.open.pop()? == object).then(|| self.value_ended())
    }

    fn next(&mut self, byte: u8) -> Option<()> {
        match (byte, *self.open.last()?) {
            (b',', true) => self.state = State::Key,
            (b',', false) => self.state = State::Value,
            (b'}', true) | (b']', false) => self.close(byte == b'}')?,
            _ => return None,
        }
        Some(())
    }

    fn value_ended(&mut self) {
        self.state = if self.open.is_empty() { State::End } else { State::Next };
    }

    fn word(&mut self, rest: &'static [u8], byte: u8) -> Option<()> {
        let (expected, rest) = rest.split_first()?;
        if byte != *expected {
            return None;
        }
        if rest.is_empty() {
            self.value_ended();
        } else {
            self.state = State::Word(rest);
        }
        Some(())
    }

    fn text(&mut self, text: Text, byte: u8) -> Option<()> {
        let part = match (text.part, byte) {
            (TextPart::Plain, b'"') => {
                if text.is_key {
                    self.state = State::Colon;
                } else {
                    self.value_ended();
                }
                return Some(());
            }
            (TextPart::Plain, b'\\') => TextPart::Escape,
            (TextPart::Plain, 0x20..)
            | (TextPart::Escape, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => TextPart::Plain,
            (TextPart::Escape, b'u') => TextPart::Hex(4),
            (TextPart::Hex(1), _) if byte.is_ascii_hexdigit() => TextPart::Plain,
            (TextPart::Hex(left), _) if byte.is_ascii_hexdigit() => TextPart::Hex(left - 1),
            _ => return None,
        };
        self.state = State::Text(Text { part, ..text });
        Some(())
    }
}

const PLAIN_VALUE: Text = Text { is_key: false, part: TextPart::Plain };
const PLAIN_KEY: Text = Text { is_key: true, part: TextPart::Plain };

/// Length of the longest start of `bytes` that consists of such bytes.
fn run(bytes: &[u8], belongs: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|byte| !belongs(*byte)).unwrap_or(bytes.len())
}

impl Number {
    fn next(self, byte: u8) -> Option<Self> {
        match (self, byte) {
            (Self::Minus, b'0') => Some(Self::Zero),
            (Self::Minus | Self::Integer, b'0'..=b'9') => Some(Self::Integer),
            (Self::Zero | Self::Integer, b'.') => Some(Self::Point),
            (Self::Point | Self::Fraction, b'0'..=b'9') => Some(Self::Fraction),
            (Self::Zero | Self::Integer | Self::Fraction, b'e' | b'E') => Some(Self::Exponent),
            (Self::Exponent, b'+' | b'-') => Some(Self::ExponentSign),
            (Self::Exponent | Self::ExponentSign | Self::ExponentDigits, b'0'..=b'9') => {
                Some(Self::ExponentDigits)
            }
            _ => None,
        }
    }

    fn may_end(self) -> bool {
        matches!(self, Self::Zero | Self::Integer | Self::Fraction | Self::ExponentDigits)
    }
}
