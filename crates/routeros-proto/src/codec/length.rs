//! The length in front of a word.

use super::CodecError;

/// Appends a length to `out`, in as few bytes as it needs.
///
/// # Panics
/// If `length` does not fit 32 bits, which no word in memory here reaches.
pub fn write_length(out: &mut Vec<u8>, length: usize) {
    let value = u32::try_from(length).expect("a word is shorter than 4 GiB");
    let bytes = value.to_be_bytes();
    match value {
        0..0x80 => out.push(bytes[3]),
        0x80..0x4000 => out.extend([0x80 | bytes[2], bytes[3]]),
        0x4000..0x20_0000 => out.extend([0xC0 | bytes[1], bytes[2], bytes[3]]),
        0x20_0000..0x1000_0000 => out.extend([0xE0 | bytes[0], bytes[1], bytes[2], bytes[3]]),
        0x1000_0000.. => {
            out.push(0xF0);
            out.extend(bytes);
        }
    }
}

/// The length at the front of `bytes`, and how many bytes it takes; `None` when more are needed.
///
/// Longer spellings of a short length are read as well, as RouterOS is not known to refuse them.
///
/// # Errors
/// A first byte that is reserved.
pub fn read_length(bytes: &[u8]) -> Result<Option<(usize, usize)>, CodecError> {
    let Some(first) = bytes.first() else {
        return Ok(None);
    };
    let (mask, size) = match first {
        0x00..0x80 => (0x7F, 1),
        0x80..0xC0 => (0x3F, 2),
        0xC0..0xE0 => (0x1F, 3),
        0xE0..0xF0 => (0x0F, 4),
        0xF0 => (0x00, 5),
        0xF1.. => return Err(CodecError::Length(*first)),
    };
    let Some(rest) = bytes.get(1..size) else {
        return Ok(None);
    };
    let high = usize::from(first & mask);
    let length = rest
        .iter()
        .fold(high, |length, byte| (length << 8) | usize::from(*byte));
    Ok(Some((length, size)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_lengths_have_the_documented_bytes() {
        let known: [(usize, &[u8]); 8] = [
            (0, &[0x00]),
            (0x7F, &[0x7F]),
            (0x80, &[0x80, 0x80]),
            (0x3FFF, &[0xBF, 0xFF]),
            (0x4000, &[0xC0, 0x40, 0x00]),
            (0x1F_FFFF, &[0xDF, 0xFF, 0xFF]),
            (0x20_0000, &[0xE0, 0x20, 0x00, 0x00]),
            (0x1000_0000, &[0xF0, 0x10, 0x00, 0x00, 0x00]),
        ];
        for (length, bytes) in known {
            let mut written = Vec::new();
            write_length(&mut written, length);
            assert_eq!(written, bytes, "{length:#x}");
            assert_eq!(read_length(bytes), Ok(Some((length, bytes.len()))));
            for short in 0..bytes.len() {
                assert_eq!(read_length(&bytes[..short]), Ok(None), "{length:#x}");
            }
        }
    }

    #[test]
    fn a_reserved_first_byte_is_refused() {
        for first in 0xF1..=0xFF {
            assert_eq!(read_length(&[first, 1, 2]), Err(CodecError::Length(first)));
        }
    }
}
