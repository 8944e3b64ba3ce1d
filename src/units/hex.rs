//! Bytes and numbers in hexadecimal.

/// The hexadecimal digits of bytes, two for each.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

/// The sixteen hexadecimal digits of a number, eight of them at a time: each half is spread to a digit a byte.
pub(crate) fn hex_digits(bits: u64) -> [u8; 16] {
    let digits = |half: u64| {
        let spread = (half | (half << 16)) & 0x0000_FFFF_0000_FFFF;
        let spread = (spread | (spread << 8)) & 0x00FF_00FF_00FF_00FF;
        let spread = (spread | (spread << 4)) & 0x0F0F_0F0F_0F0F_0F0F;
        let letters = ((spread + 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101;
        (spread + 0x3030_3030_3030_3030 + letters * 39).to_be_bytes()
    };
    let mut text = [0; 16];
    text[..8].copy_from_slice(&digits(bits >> 32));
    text[8..].copy_from_slice(&digits(bits & 0xFFFF_FFFF));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_that_formatting_writes() {
        for bits in [0, 1, 0xFF, 0x0123_4567_89AB_CDEF, u64::MAX, 1 << 63] {
            let formatted = format!("{bits:016x}");
            assert_eq!(hex_digits(bits), *formatted.as_bytes());
            assert_eq!(hex(&bits.to_be_bytes()), formatted);
        }
    }
}
