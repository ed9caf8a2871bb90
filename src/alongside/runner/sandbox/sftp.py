"""The far end of sftp and scp: protocol version 3 over standard input and output.

Runs as the run's user inside its sandbox, and as a program in containers that have Python 3.8 or
newer: `python3 -c <this file>`. It may do what that user may do, so it checks nothing itself.
Stdlib only; users and groups are numbers, because their names are not this program's to look up.
"""

# The protocol asks for what the kernel offers, by name or by number.
# ruff: noqa: PTH101, PTH102, PTH104, PTH106, PTH108, PTH112, PTH114, PTH115, PTH116, PTH118, PTH211

import errno
import os
import stat
import struct
import sys
import time

VERSION = 3
PACKET_MAX = 1 << 18
READ_MAX = 1 << 17
NAMES_AT_ONCE = 100

INIT, OPEN, CLOSE, READ, WRITE, LSTAT, FSTAT, SETSTAT, FSETSTAT = 1, 3, 4, 5, 6, 7, 8, 9, 10
OPENDIR, READDIR, REMOVE, MKDIR, RMDIR, REALPATH, STAT, RENAME = 11, 12, 13, 14, 15, 16, 17, 18
READLINK, SYMLINK, EXTENDED = 19, 20, 200
HELLO, STATUS, HANDLE, DATA, NAME, ATTRS, EXTENDED_REPLY = 2, 101, 102, 103, 104, 105, 201
OK, EOF, NO_SUCH_FILE, PERMISSION_DENIED, FAILURE, BAD_MESSAGE, UNSUPPORTED = 0, 1, 2, 3, 4, 5, 8
HAS_SIZE, HAS_OWNER, HAS_MODE, HAS_TIMES = 1, 2, 4, 8
#: names of extensions, with their versions
EXTENSIONS = (
    (b"posix-rename@openssh.com", b"1"),
    (b"hardlink@openssh.com", b"1"),
    (b"fsync@openssh.com", b"1"),
    (b"statvfs@openssh.com", b"2"),
    (b"limits@openssh.com", b"1"),
)


def serve(source, sink):
    """Answer requests until there are no more; 0 if they ended where one may."""
    session = Session()
    while True:
        head = _exactly(source, 4)
        if not head:
            return 0
        (length,) = struct.unpack(">I", head)
        if not 1 <= length <= PACKET_MAX:
            return 1
        packet = _exactly(source, length)
        if packet is None:
            return 1
        answer = session.answer(packet)
        data = struct.pack(">I", len(answer)) + answer
        while data:
            data = data[os.write(sink, data) :]


class Session:
    """The open files and folders of one connection."""

    def __init__(self):
        self._files = {}
        self._folders = {}
        self._next = 0
        self._doors = {
            OPEN: self._open,
            CLOSE: self._close,
            READ: self._read,
            WRITE: self._write,
            LSTAT: lambda given: _attributes(os.lstat(given.text())),
            FSTAT: lambda given: _attributes(os.fstat(self._file(given))),
            SETSTAT: lambda given: _change(given.text(), given),
            FSETSTAT: lambda given: _change(self._file(given), given),
            OPENDIR: self._open_folder,
            READDIR: self._read_folder,
            REMOVE: lambda given: _done(os.unlink(given.text())),
            MKDIR: _make_folder,
            RMDIR: lambda given: _done(os.rmdir(given.text())),
            REALPATH: lambda given: _names([(os.path.realpath(given.text()), None)]),
            STAT: lambda given: _attributes(os.stat(given.text())),
            RENAME: _rename,
            READLINK: lambda given: _names([(os.readlink(given.text()), None)]),
            # the order in which OpenSSH sends them, which is not the one of the draft
            SYMLINK: lambda given: _done(os.symlink(given.text(), given.text())),
            EXTENDED: self._extended,
        }

    def answer(self, packet):
        given = Fields(packet)
        kind = given.byte()
        if kind == INIT:
            pairs = b"".join(_string(name) + _string(value) for name, value in EXTENSIONS)
            return struct.pack(">BI", HELLO, VERSION) + pairs
        number = b"\0\0\0\0"
        try:
            number = struct.pack(">I", given.number())
            door = self._doors.get(kind)
            made = _status(UNSUPPORTED, "not offered here") if door is None else door(given)
        except EOFError:
            made = _status(EOF, "no more")
        except (struct.error, KeyError, IndexError, ValueError):
            made = _status(BAD_MESSAGE, "not understood")
        except OSError as error:
            made = _status(_code(error), error.strerror or str(error))
        return made[:1] + number + made[1:]

    def _handle(self, table, thing):
        self._next += 1
        name = b"%d" % self._next
        table[name] = thing
        return struct.pack(">B", HANDLE) + _string(name)

    def _file(self, given):
        return self._files[given.string()]

    def _open(self, given):
        path, asked = given.text(), given.number()
        wanted = given.attributes()
        both = asked & 3
        flags = os.O_RDWR if both == 3 else os.O_WRONLY if both == 2 else os.O_RDONLY
        for bit, flag in ((4, os.O_APPEND), (8, os.O_CREAT), (16, os.O_TRUNC), (32, os.O_EXCL)):
            if asked & bit:
                flags |= flag
        mode = wanted.get("mode", 0o666)
        return self._handle(self._files, os.open(path, flags | os.O_CLOEXEC, stat.S_IMODE(mode)))

    def _close(self, given):
        name = given.string()
        if name in self._files:
            os.close(self._files.pop(name))
        else:
            self._folders.pop(name)[1].close()
        return _status(OK, "")

    def _read(self, given):
        file, offset, length = self._file(given), given.long(), given.number()
        data = os.pread(file, min(length, READ_MAX), offset)
        if not data:
            raise EOFError
        return struct.pack(">B", DATA) + _string(data)

    def _write(self, given):
        file, offset, data = self._file(given), given.long(), given.string()
        while data:
            count = os.pwrite(file, data, offset)
            data, offset = data[count:], offset + count
        return _status(OK, "")

    def _open_folder(self, given):
        path = given.text()
        return self._handle(self._folders, (path, os.scandir(path), [".", ".."]))

    def _read_folder(self, given):
        path, entries, first = self._folders[given.string()]
        names = [(name, os.stat(os.path.join(path, name))) for name in first]
        del first[:]
        for entry in entries:
            try:
                names.append((entry.name, entry.stat(follow_symlinks=False)))
            except OSError:
                continue  # gone while we looked
            if len(names) >= NAMES_AT_ONCE:
                break
        if not names:
            raise EOFError
        return _names(names)

    def _extended(self, given):
        name = given.string()
        if name == b"posix-rename@openssh.com":
            return _done(os.rename(given.text(), given.text()))
        if name == b"hardlink@openssh.com":
            return _done(os.link(given.text(), given.text()))
        if name == b"fsync@openssh.com":
            return _done(os.fsync(self._file(given)))
        if name == b"statvfs@openssh.com":
            found = os.statvfs(given.text())
            sizes = (found.f_bsize, found.f_frsize, found.f_blocks, found.f_bfree, found.f_bavail)
            counts = (found.f_files, found.f_ffree, found.f_favail, 0, found.f_flag & 3, found.f_namemax)
            return struct.pack(">B11Q", EXTENDED_REPLY, *sizes, *counts)
        if name == b"limits@openssh.com":
            return struct.pack(">B4Q", EXTENDED_REPLY, PACKET_MAX, READ_MAX, READ_MAX, 0)
        return _status(UNSUPPORTED, "not offered here")


class Fields:
    """What a packet says, field by field."""

    def __init__(self, packet):
        self._packet = packet
        self._at = 0

    def byte(self):
        return self._take(">B", 1)

    def number(self):
        return self._take(">I", 4)

    def long(self):
        return self._take(">Q", 8)

    def string(self):
        length = self.number()
        found = self._packet[self._at : self._at + length]
        if len(found) < length:
            raise ValueError("the packet ends too early")
        self._at += length
        return found

    def text(self):
        return os.fsdecode(self.string()) or "."

    def attributes(self):
        flags = self.number()
        found = {}
        if flags & HAS_SIZE:
            found["size"] = self.long()
        if flags & HAS_OWNER:
            found["owner"] = (self.number(), self.number())
        if flags & HAS_MODE:
            found["mode"] = self.number()
        if flags & HAS_TIMES:
            found["times"] = (self.number(), self.number())
        return found

    def _take(self, form, length):
        (found,) = struct.unpack_from(form, self._packet, self._at)
        self._at += length
        return found


def _change(what, given):
    wanted = given.attributes()
    if "size" in wanted:
        os.truncate(what, wanted["size"])
    if "owner" in wanted:
        os.chown(what, *wanted["owner"])
    if "mode" in wanted:
        os.chmod(what, stat.S_IMODE(wanted["mode"]))
    if "times" in wanted:
        os.utime(what, wanted["times"])
    return _status(OK, "")


def _make_folder(given):
    path = given.text()
    os.mkdir(path, stat.S_IMODE(given.attributes().get("mode", 0o777)))
    return _status(OK, "")


def _rename(given):
    """As the draft has it: what is there already stays. A link is made first, so nobody gets in between."""
    old, new = given.text(), given.text()
    if os.path.isdir(old) and not os.path.islink(old):
        if os.path.lexists(new):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        os.rename(old, new)
    else:
        os.link(old, new, follow_symlinks=False)
        os.unlink(old)
    return _status(OK, "")


def _attributes(found):
    return struct.pack(">B", ATTRS) + _packed(found)


def _packed(found):
    flags = HAS_SIZE | HAS_OWNER | HAS_MODE | HAS_TIMES
    return struct.pack(
        ">IQIIIII",
        flags,
        found.st_size,
        found.st_uid & 0xFFFFFFFF,
        found.st_gid & 0xFFFFFFFF,
        found.st_mode,
        int(found.st_atime) & 0xFFFFFFFF,
        int(found.st_mtime) & 0xFFFFFFFF,
    )


def _names(entries):
    parts = [struct.pack(">BI", NAME, len(entries))]
    for name, found in entries:
        raw = os.fsencode(name)
        long = raw if found is None else _line(found).encode() + raw
        parts += [_string(raw), _string(long), struct.pack(">I", 0) if found is None else _packed(found)]
    return b"".join(parts)


def _line(found):
    """As `ls -l` shows it, up to the name."""
    when = time.localtime(found.st_mtime)
    recent = abs(time.time() - found.st_mtime) < 180 * 86400
    day = time.strftime("%b %d %H:%M" if recent else "%b %d  %Y", when)
    mode = stat.filemode(found.st_mode)
    return f"{mode} {found.st_nlink:3} {found.st_uid:<8} {found.st_gid:<8} {found.st_size:8} {day} "


def _done(_nothing):
    return _status(OK, "")


def _status(code, message):
    return struct.pack(">BI", STATUS, code) + _string(message.encode()) + _string(b"en")


def _string(data):
    return struct.pack(">I", len(data)) + data


def _code(error):
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
        return NO_SUCH_FILE
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return PERMISSION_DENIED
    return FAILURE


def _exactly(source, length):
    """So many bytes; empty at a proper end, None when it ends in between."""
    parts = []
    while length:
        data = os.read(source, min(length, 1 << 16))
        if not data:
            return None if parts else b""
        parts.append(data)
        length -= len(data)
    return b"".join(parts)


if __name__ == "__main__":
    sys.exit(serve(0, 1))
