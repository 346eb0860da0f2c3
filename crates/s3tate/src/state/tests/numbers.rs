//! Numbers as Terraform 1.11.4 prints them; all expectations were observed.

use crate::state::Number;

#[track_caller]
fn prints(text: &str, expected: &str) {
    assert_eq!(Number::parse(text).map(|number| number.to_string()).as_deref(), Some(expected), "{text}");
}

#[test]
fn plain_notation_without_needless_zeros() {
    prints("1.0", "1");
    prints("100e-2", "1");
    prints("1.50", "1.5");
    prints("1e30", "1000000000000000000000000000000");
    prints("1e-7", "0.0000001");
    prints("12345678901234567890123456789", "12345678901234567890123456789");
    prints("9007199254740993", "9007199254740993");
    prints("-0", "-0");
    prints("-0.0", "-0");
    prints("0e99", "0");
    prints("0.1e1", "1");
    prints("12.5e-1", "1.25");
}

#[test]
fn loose_spellings_in_strings() {
    prints("+5", "5");
    prints(".5", "0.5");
    prints("5.", "5");
    prints("00012", "12");
    for text in ["", ".", "-", "1_0", "0x10", "infinity", " 5", "5 ", "0b1", "NaN", "1e", "1e+"] {
        assert_eq!(Number::parse(text), None, "{text:?}");
    }
}

#[test]
fn monstrous_exponents_are_refused_without_trying() {
    for text in ["1e1000000", "1e-1000000", "1e99999999999999999999", "1e-99999999999999999999"] {
        assert_eq!(Number::parse(text), None, "{text}");
    }
    assert_eq!(Number::parse("0e99999999999999999999").map(|zero| zero.to_string()).as_deref(), Some("0"));
}

#[test]
fn long_numbers_are_rounded_to_512_bits() {
    let third = format!("0.{}", "3".repeat(400));
    prints(&third, &format!("0.{}5", "3".repeat(154)));
}

#[test]
fn rounding_goes_to_the_even_neighbour_and_prints_the_shortest_form() {
    // 2^513 - 1 lies halfway between two numbers of 512 bits.
    let half = "26815615859885194199148049996411692254958731641184786755447122887443528060147093953603748596333806855380063716372972101707507765623893139892867298012168191";
    let printed = "26815615859885194199148049996411692254958731641184786755447122887443528060147093953603748596333806855380063716372972101707507765623893139892867298012168190";
    prints(half, printed);
    prints(&"9".repeat(160), &format!("1{}", "0".repeat(160)));
}

#[test]
fn numbers_compare_by_value() {
    let sorted = ["-10", "-9.5", "-0", "0", "0.001", "1.5", "9", "10", "1e30"];
    let numbers: Vec<_> = sorted.iter().map(|text| Number::parse(text).unwrap()).collect();
    for pair in numbers.windows(2) {
        assert!(pair[0].compare(&pair[1]).is_lt(), "{} {}", pair[0], pair[1]);
    }
}
