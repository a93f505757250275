//! As much of tar as a backup needs: regular files with short names, readable and writable by every `tar`.
//!
//! POSIX.1-1988 ("ustar"): a header block of 512 bytes, the content padded to blocks, two empty blocks at the end.

use std::io::{self, Read, Write};

const BLOCK: usize = 512;

/// Where a field of the header lies.
type Field = std::ops::Range<usize>;
const NAME: Field = 0..100;
const MODE: Field = 100..108;
const OWNER: Field = 108..116;
const GROUP: Field = 116..124;
const SIZE: Field = 124..136;
const MODIFIED: Field = 136..148;
const CHECKSUM: Field = 148..156;
const KIND: Field = 156..157;
const MAGIC: Field = 257..265;

const REGULAR: u8 = b'0';
const USTAR: &[u8; 8] = b"ustar\x0000";

/// What a header says of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    /// Length of the content in bytes.
    pub(crate) size: u64,
}

/// Writes an archive.
pub(crate) struct Writer<W>(W);

impl<W: Write> Writer<W> {
    pub(crate) fn new(out: W) -> Self {
        Self(out)
    }

    /// Adds a file that only its owner can read. `modified` is in seconds since 1970.
    pub(crate) fn add(
        &mut self,
        entry: &Entry,
        modified: u64,
        content: impl Read,
    ) -> io::Result<()> {
        self.0.write_all(&header(entry, modified)?)?;
        let copied = io::copy(&mut content.take(entry.size), &mut self.0)?;
        if copied < entry.size {
            return Err(invalid(&format!(
                "{} became shorter while it was read",
                entry.name
            )));
        }
        self.0.write_all(&[0; BLOCK][..padding(entry.size)])
    }

    /// Ends the archive and returns what it was written to.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.0.write_all(&[0; 2 * BLOCK])?;
        Ok(self.0)
    }
}

/// Reads an archive, one file after the other.
pub(crate) struct Reader<R>(R);

impl<R: Read> Reader<R> {
    pub(crate) fn new(source: R) -> Self {
        Self(source)
    }

    /// The next file, whose content must then be [`read`](Self::read); `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Entry>> {
        let mut header = [0; BLOCK];
        self.0.read_exact(&mut header)?;
        if header == [0; BLOCK] {
            return Ok(None);
        }
        if octal(&header[CHECKSUM])? != checksum(&header) {
            return Err(invalid(
                "it is damaged, or no tar archive: the checksum of a header is wrong",
            ));
        }
        if !matches!(header[KIND][0], REGULAR | 0) {
            return Err(invalid("it holds something that is no regular file"));
        }
        let end = header[NAME].iter().position(|byte| *byte == 0);
        let name = &header[..end.unwrap_or(NAME.end)];
        let name =
            std::str::from_utf8(name).map_err(|_| invalid("a file name in it is no text"))?;
        Ok(Some(Entry {
            name: name.to_owned(),
            size: size(&header[SIZE])?,
        }))
    }

    /// Copies the content of the file that [`next`](Self::next) has announced.
    pub(crate) fn read(&mut self, entry: &Entry, mut out: impl Write) -> io::Result<()> {
        let copied = io::copy(&mut (&mut self.0).take(entry.size), &mut out)?;
        if copied < entry.size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.0.read_exact(&mut [0; BLOCK][..padding(entry.size)])
    }
}

fn header(entry: &Entry, modified: u64) -> io::Result<[u8; BLOCK]> {
    let name = entry.name.as_bytes();
    if name.len() > NAME.len() {
        return Err(invalid(&format!(
            "{} is too long a name for an archive",
            entry.name
        )));
    }
    let mut header = [0; BLOCK];
    header[..name.len()].copy_from_slice(name);
    write_octal(&mut header[MODE], 0o600);
    write_octal(&mut header[OWNER], 0);
    write_octal(&mut header[GROUP], 0);
    write_size(&mut header[SIZE], entry.size);
    write_octal(&mut header[MODIFIED], modified);
    header[KIND][0] = REGULAR;
    header[MAGIC].copy_from_slice(USTAR);
    let sum = checksum(&header);
    // Six digits, a zero and a blank: the one field that ends like this.
    header[CHECKSUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Ok(header)
}

/// The sum of all bytes, with the field itself taken as blanks.
fn checksum(header: &[u8; BLOCK]) -> u64 {
    let byte = |(at, byte): (usize, &u8)| match CHECKSUM.contains(&at) {
        true => u64::from(b' '),
        false => u64::from(*byte),
    };
    header.iter().enumerate().map(byte).sum()
}

fn write_octal(field: &mut [u8], value: u64) {
    let digits = field.len() - 1;
    let text = format!("{value:0digits$o}\0");
    field.copy_from_slice(text.as_bytes());
}

/// From 8 GiB on the field is too short for octal digits: then it is binary and its first bit says so.
fn write_size(field: &mut [u8], size: u64) {
    if size < 1 << 33 {
        return write_octal(field, size);
    }
    field[0] = 0x80;
    field[4..].copy_from_slice(&size.to_be_bytes());
}

fn size(field: &[u8]) -> io::Result<u64> {
    if field[0] & 0x80 == 0 {
        return octal(field);
    }
    let bytes = field[4..]
        .try_into()
        .map_err(|_| invalid("a size in it cannot be read"))?;
    Ok(u64::from_be_bytes(bytes))
}

fn octal(field: &[u8]) -> io::Result<u64> {
    let text = std::str::from_utf8(field).ok();
    let digits = text.map(|text| text.trim_matches([' ', '\0']));
    digits
        .and_then(|digits| u64::from_str_radix(digits, 8).ok())
        .ok_or_else(|| invalid("it is damaged, or no tar archive: a number in it cannot be read"))
}

/// Bytes up to the next full block.
fn padding(size: u64) -> usize {
    let rest = (size % BLOCK as u64) as usize;
    (BLOCK - rest) % BLOCK
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message.to_owned())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new());
        for (name, content) in files {
            let entry = Entry {
                name: (*name).into(),
                size: content.len() as u64,
            };
            writer.add(&entry, 1_795_000_000, *content).unwrap();
        }
        writer.finish().unwrap()
    }

    fn unpack(archive: &[u8]) -> io::Result<Vec<(String, Vec<u8>)>> {
        let mut reader = Reader::new(archive);
        let mut files = Vec::new();
        while let Some(entry) = reader.next()? {
            let mut content = Vec::new();
            reader.read(&entry, &mut content)?;
            files.push((entry.name, content));
        }
        Ok(files)
    }

    #[test]
    fn what_goes_in_comes_out() {
        let long = vec![7; BLOCK + 1];
        let block = vec![8; BLOCK];
        let archive = archive(&[("empty", b""), ("long", &long), ("block", &block)]);
        assert_eq!(archive.len() % BLOCK, 0);
        let files = unpack(&archive).unwrap();
        let expected = [("empty", vec![]), ("long", long), ("block", block)];
        assert_eq!(
            files,
            expected.map(|(name, content)| (name.to_owned(), content))
        );
    }

    #[test]
    fn the_ordinary_tar_reads_it_and_we_read_that_of_tar() {
        let dir = tempfile::tempdir().unwrap();
        let run = |arguments: &[&str]| {
            let output = Command::new("tar")
                .args(arguments)
                .current_dir(&dir)
                .output()
                .unwrap();
            assert!(output.status.success(), "{output:?}");
        };
        std::fs::write(
            dir.path().join("ours.tar"),
            archive(&[("a", b"one"), ("b", b"two")]),
        )
        .unwrap();
        run(&["-xf", "ours.tar"]);
        assert_eq!(std::fs::read(dir.path().join("b")).unwrap(), b"two");

        run(&["--format=ustar", "-cf", "theirs.tar", "a", "b"]);
        let theirs = std::fs::read(dir.path().join("theirs.tar")).unwrap();
        let expected = [("a", b"one"), ("b", b"two")];
        assert_eq!(
            unpack(&theirs).unwrap(),
            expected.map(|(n, c)| (n.to_owned(), c.to_vec()))
        );
    }

    #[test]
    fn a_database_of_many_gigabytes_keeps_its_size() {
        let mut field = [0; 12];
        for bytes in [0, 1, (1 << 33) - 1, 1 << 33, 5 << 40] {
            write_size(&mut field, bytes);
            assert_eq!(size(&field).unwrap(), bytes);
        }
    }

    #[test]
    fn a_cut_or_altered_archive_is_refused() {
        let archive = archive(&[("a", &[1; 1000])]);
        for end in [0, 100, BLOCK, BLOCK + 999, archive.len() - 2 * BLOCK] {
            assert!(unpack(&archive[..end]).is_err(), "cut at {end}");
        }
        let mut altered = archive;
        altered[3] ^= 1;
        assert!(unpack(&altered).is_err());
    }
}
