#!/usr/bin/env python3
"""Counts a ballot again, without the program node: reads what `node vote audit` wrote. Checks receipts, too, that
`node prove` wrote.

    python3 check_vote.py FILE [--trust ID] [--json]

Python 3.9 and its standard library suffice. Where `blake3` and `cryptography` are installed, they make it faster.
Everything is worked out from the signed bytes: what the file shows beside them is compared with it.

Exit code 0: it is correct. 1: it is not, and what is wrong first is said. 2: misuse. 3: incomplete, since the
result of the ballot is in no block yet.

--trust ID  a block that you know to be on the network's chain, from a node of your own or from somebody you
            believe: what was counted must lead to it. Without it, the work behind it is told, and anybody could
            have spent that.
"""

import argparse
import hashlib
import json
import struct
import sys

MASK = 0xFFFFFFFF
IV = [0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19]
PERMUTATION = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8]
CHUNK_START, CHUNK_END, PARENT, ROOT, CONTEXT, MATERIAL = 1, 2, 4, 8, 32, 64

TOPIC = "vote"
MAX_REVISIONS = 8
TRANSACTION_ID = "raclette 2026-11 transaction id"
SIGNED = "raclette 2026-11 transaction signature"
ROLL = "raclette 2026-11 vote roll"


class Wrong(Exception):
    """The first thing that is wrong."""


# BLAKE3 -------------------------------------------------------------------------------------------------------


def mix(v, a, b, c, d, x, y):
    va = (v[a] + v[b] + x) & MASK
    t = v[d] ^ va
    vd = (t >> 16) | (t << 16) & MASK
    vc = (v[c] + vd) & MASK
    t = v[b] ^ vc
    vb = (t >> 12) | (t << 20) & MASK
    va = (va + vb + y) & MASK
    t = vd ^ va
    vd = (t >> 8) | (t << 24) & MASK
    vc = (vc + vd) & MASK
    t = vb ^ vc
    v[a], v[b], v[c], v[d] = va, (t >> 7) | (t << 25) & MASK, vc, vd


def compress(chaining, block, counter, length, flags):
    v = chaining + IV[:4] + [counter & MASK, counter >> 32, length, flags]
    m = list(struct.unpack("<16I", block.ljust(64, b"\0")))
    for number in range(7):
        mix(v, 0, 4, 8, 12, m[0], m[1])
        mix(v, 1, 5, 9, 13, m[2], m[3])
        mix(v, 2, 6, 10, 14, m[4], m[5])
        mix(v, 3, 7, 11, 15, m[6], m[7])
        mix(v, 0, 5, 10, 15, m[8], m[9])
        mix(v, 1, 6, 11, 12, m[10], m[11])
        mix(v, 2, 7, 8, 13, m[12], m[13])
        mix(v, 3, 4, 9, 14, m[14], m[15])
        if number < 6:
            m = [m[place] for place in PERMUTATION]
    return [v[i] ^ v[i + 8] for i in range(8)]


def own_blake3(data, key=IV, flags=0):
    """BLAKE3 of 32 bytes."""

    def chunk(index, root):
        part = data[1024 * index : 1024 * (index + 1)]
        blocks = [part[at : at + 64] for at in range(0, len(part), 64)] or [b""]
        chaining = list(key)
        for at, block in enumerate(blocks):
            f = flags
            if at == 0:
                f |= CHUNK_START
            if at == len(blocks) - 1:
                f |= CHUNK_END | (ROOT if root else 0)
            chaining = compress(chaining, block, index, len(block), f)
        return chaining

    def tree(first, count, root):
        if count == 1:
            return chunk(first, root)
        left = 1 << ((count - 1).bit_length() - 1)
        both = tree(first, left, False) + tree(first + left, count - left, False)
        return compress(list(key), struct.pack("<16I", *both), 0, 64, flags | PARENT | (ROOT if root else 0))

    return struct.pack("<8I", *tree(0, max(1, -(-len(data) // 1024)), True))


def own_derive(context, data):
    key = struct.unpack("<8I", own_blake3(context.encode(), flags=CONTEXT))
    return own_blake3(data, list(key), MATERIAL)


try:
    import blake3 as fast_blake3

    def blake3(data):
        return fast_blake3.blake3(data).digest()

    def derive(context, data):
        return fast_blake3.blake3(data, derive_key_context=context).digest()

except ImportError:
    blake3, derive = own_blake3, own_derive


# Ed25519 by the rule of ZIP-215 -------------------------------------------------------------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
NEUTRAL = (0, 1, 1, 0)


def add(one, other):
    (x1, y1, z1, t1), (x2, y2, z2, t2) = one, other
    a, b = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    c, d = 2 * t1 * t2 * D % P, 2 * z1 * z2 % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number, point):
    result = NEUTRAL
    while number:
        if number & 1:
            result = add(result, point)
        point = add(point, point)
        number >>= 1
    return result


def is_neutral(point):
    x, y, z, _ = point
    return x % P == 0 and (y - z) % P == 0


def negative(point):
    x, y, z, t = point
    return -x % P, y, z, -t % P


def point_of(encoded):
    """The point, in whatever encoding: y may be p or more, and zero may have a sign."""
    number = int.from_bytes(encoded, "little")
    sign, y = number >> 255, (number & ((1 << 255) - 1)) % P
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if (v * x * x - u) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (v * x * x - u) % P:
        return None
    if x & 1 != sign:
        x = -x % P
    return x, y, 1, x * y % P


BASE = point_of((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def own_verify(key, message, signature):
    """Whether a signature counts."""
    number = int.from_bytes(key, "little")
    y = number & ((1 << 255) - 1)
    if y >= P or (number >> 255 and y in (1, P - 1)):
        return False
    a, r = point_of(key), point_of(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L or is_neutral(times(8, a)):
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    left = add(times(s, BASE), negative(add(r, times(k, a))))
    return is_neutral(times(8, left))


try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    def verify(key, message, signature):
        # What it takes counts, unless the key is one that we refuse; what it refuses may count by our rule.
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
        except (InvalidSignature, ValueError):
            return own_verify(key, message, signature)
        number = int.from_bytes(key, "little")
        a = point_of(key)
        return number & ((1 << 255) - 1) < P and a is not None and not is_neutral(times(8, a))

except ImportError:
    verify = own_verify


# Canonical bytes ----------------------------------------------------------------------------------------------


class Reader:
    """Reads the MessagePack that is used here, in its one form."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, length):
        part = self.data[self.at : self.at + length]
        if len(part) != length:
            raise Wrong("bytes end too early")
        self.at += length
        return part

    def number(self, length):
        return int.from_bytes(self.take(length), "big")

    def value(self, depth=0):
        if depth > 16:
            raise Wrong("bytes are nested too deeply")
        head = self.number(1)
        if head < 0x80:
            return head
        if 0x90 <= head < 0xA0:
            return [self.value(depth + 1) for _ in range(head & 15)]
        if 0xA0 <= head < 0xC0:
            return self.text(head & 31)
        if head == 0xC0:
            return None
        if head in (0xC2, 0xC3):
            return head == 0xC3
        if head in (0xC4, 0xC5, 0xC6):
            return self.take(self.number(1 << (head - 0xC4)))
        if head in (0xCC, 0xCD, 0xCE, 0xCF):
            return self.number(1 << (head - 0xCC))
        if head in (0xD9, 0xDA):
            return self.text(self.number(1 << (head - 0xD9)))
        if head in (0xDC, 0xDD):
            return [self.value(depth + 1) for _ in range(self.number(2 << (head - 0xDC)))]
        raise Wrong(f"bytes have a head that is not used here: {head:02x}")

    def text(self, length):
        try:
            return self.take(length).decode()
        except UnicodeDecodeError:
            raise Wrong("a text is no UTF-8") from None


def pack(value):
    """The canonical bytes of a value."""
    if value is None or isinstance(value, bool):
        return {None: b"\xc0", False: b"\xc2", True: b"\xc3"}[value]
    if isinstance(value, int):
        if value < 0x80:
            return bytes([value])
        length = next(n for n in (1, 2, 4, 8) if value < 1 << (8 * n))
        return bytes([0xCC + length.bit_length() - 1]) + value.to_bytes(length, "big")
    if isinstance(value, bytes):
        length = next(n for n in (1, 2, 4) if len(value) < 1 << (8 * n))
        return bytes([0xC4 + length.bit_length() - 1]) + len(value).to_bytes(length, "big") + value
    if isinstance(value, str):
        data = value.encode()
        if len(data) < 32:
            return bytes([0xA0 | len(data)]) + data
        length = 1 if len(data) < 256 else 2
        return bytes([0xD8 + length]) + len(data).to_bytes(length, "big") + data
    if len(value) < 16:
        head = bytes([0x90 | len(value)])
    else:
        head = b"\xdc" + len(value).to_bytes(2, "big")
    return head + b"".join(pack(item) for item in value)


def unpack(data):
    reader = Reader(data)
    value = reader.value()
    if reader.at != len(data) or pack(value) != data:
        raise Wrong("bytes are not in their canonical form")
    return value


def is_bytes(value, length):
    return isinstance(value, bytes) and len(value) == length


# Blocks and transactions --------------------------------------------------------------------------------------


class Header:
    """A header of 128 bytes."""

    def __init__(self, data):
        if not is_bytes(data, 128):
            raise Wrong("a header has not 128 bytes")
        self.previous, self.history, self.root = data[:32], data[32:64], data[64:96]
        self.version, target, self.height, self.time, _ = struct.unpack("<IIQQQ", data[96:])
        self.id = blake3(data)
        mantissa, exponent = target & 0xFFFFFF, target >> 24
        if self.version != 1 or mantissa == 0 or exponent > 232 or (exponent and not mantissa & 0x800000):
            raise Wrong(f"the header at height {self.height} has no such version or target")
        self.target = mantissa << exponent
        self.work = (1 << 256) // (self.target + 1)
        if int.from_bytes(self.id, "big") > self.target:
            raise Wrong(f"the header at height {self.height} lacks its proof of work")

    def follows(self, other):
        return self.previous == other.id and self.height == other.height + 1 and self.time > other.time


class Transaction:
    """A transaction out of its canonical bytes."""

    def __init__(self, data):
        value = unpack(data)
        if not (isinstance(value, list) and len(value) == 2 and is_bytes(value[1], 64)):
            raise Wrong("a transaction is none")
        payload, self.signature = value
        if not (isinstance(payload, list) and len(payload) == 6 and isinstance(payload[5], list) and payload[5]):
            raise Wrong("a transaction is none")
        self.network, self.sender, _, self.expires, _, self.action = payload
        if not (is_bytes(self.network, 32) and is_bytes(self.sender, 32)):
            raise Wrong("a transaction names no network or no sender")
        self.payload = pack(payload)
        self.id = derive(TRANSACTION_ID, self.payload)
        self.witness = blake3(b"\0" + self.id + self.signature)

    def is_reward(self):
        return self.action[0] == 3

    def is_signed(self):
        return verify(self.sender, derive(SIGNED, self.payload), self.signature)

    def record(self):
        """The record about votes that it is, or None."""
        if self.action[0] != 2 or len(self.action) != 3 or self.action[1] != TOPIC:
            return None
        return unpack(self.action[2])


def transactions_root(leaves):
    if not leaves:
        return blake3(b"")
    if len(leaves) == 1:
        return leaves[0]
    left = 1 << ((len(leaves) - 1).bit_length() - 1)
    return blake3(b"\1" + transactions_root(leaves[:left]) + transactions_root(leaves[left:]))


# Proofs -------------------------------------------------------------------------------------------------------


def peaks_of(leaves):
    """The heights of the mountains, largest first."""
    return [bit for bit in range(leaves.bit_length() - 1, -1, -1) if leaves >> bit & 1]


def check_ancestry(block, anchor, ancestry):
    work, (siblings, peaks) = ancestry
    if not is_bytes(work, 32):
        raise Wrong("the ancestry of the proof names no work")
    mountains = peaks_of(anchor.height)
    first, mine = 0, None
    for number, mountain in enumerate(mountains):
        if block.height < first + (1 << mountain):
            mine = number
            break
        first += 1 << mountain
    if mine is None or len(siblings) != mountains[mine] or len(peaks) != len(mountains) - 1:
        raise Wrong("the ancestry of the proof is not as long as the heights demand")
    node, place = blake3(b"\2" + block.id + work), block.height - first
    for sibling in siblings:
        both = sibling + node if place & 1 else node + sibling
        node, place = blake3(b"\3" + both), place >> 1
    every = peaks[:mine] + [node] + peaks[mine:]
    if blake3(b"\4" + struct.pack("<Q", anchor.height) + b"".join(every)) != anchor.history:
        raise Wrong("the block of the proof is not in the history of its tail")


def check_proof(data, trust):
    """Checks a proof's canonical bytes; its block, its transaction if there is one, and what it is worth."""
    value = unpack(data)
    if not (isinstance(value, list) and len(value) == 5 and value[0] == 1):
        raise Wrong("the proof is of no version that is known here")
    _, block, inclusion, ancestry, tail = value
    block, tail = Header(block), [Header(header) for header in tail]
    transaction = None
    if inclusion is not None:
        transaction = Transaction(inclusion[0])
        node = transaction.witness
        for is_left, sibling in inclusion[1]:
            node = blake3(b"\1" + (sibling + node if is_left else node + sibling))
        if node != block.root:
            raise Wrong("the transaction of the proof is not in its block")
        if not transaction.is_reward() and not transaction.is_signed():
            raise Wrong("the transaction of the proof is not signed by its sender")
    if ancestry is not None:
        if not tail:
            raise Wrong("the proof has an ancestry and no tail")
        check_ancestry(block, tail[0], ancestry)
    elif tail and not tail[0].follows(block):
        raise Wrong("the tail of the proof does not begin with the child of its block")
    for before, header in zip(tail, tail[1:]):
        if not header.follows(before):
            raise Wrong("the headers in the tail of the proof do not follow each other")
    known = {block.id} | {header.id for header in tail}
    if trust is not None and trust not in known:
        raise Wrong(f"the proof does not lead to the trusted block {trust.hex()}")
    work = sum(header.work for header in tail) + (block.work if ancestry is None else 0)
    return block, transaction, (tail[-1] if tail else block).id, work


CHARACTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def key_of(address):
    """The key in an address: bech32m of its 32 bytes, under the prefix rac."""
    prefix, _, data = address.lower().rpartition("1")
    values = [CHARACTERS.find(c) for c in data]
    if prefix != "rac" or min(values, default=-1) < 0:
        raise Wrong(f"{address} is no address")
    check = 1
    for value in [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix] + values:
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate([0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3]):
            check ^= generator if top >> bit & 1 else 0
    if check != 0x2BC830A3:
        raise Wrong(f"{address} is mistyped")
    bits = "".join(f"{value:05b}" for value in values[:-6])
    if len(bits) == 260 and bits.endswith("0000"):
        return int(bits[:256], 2).to_bytes(32, "big")
    raise Wrong(f"{address} holds no key")


def header_bytes(shown):
    return (
        b"".join(bytes.fromhex(shown[name]) for name in ("previous", "history_root", "transactions_root"))
        + struct.pack("<II", shown["version"], shown["target"])
        + struct.pack("<QQQ", *(int(shown[name]) for name in ("height", "timestamp", "nonce")))
    )


def transaction_bytes(shown):
    ((kind, action),), signed = shown["action"].items(), shown.get("signed")
    if kind == "transfer":
        fields = [1, key_of(action["to"]), int(action["amount"]), bytes.fromhex(action["note"])]
    elif kind == "record":
        fields = [2, action["topic"], bytes.fromhex(action["body"])]
    else:
        fields = [3, key_of(action["to"]), int(action["height"]), int(action["amount"])]
    network = bytes.fromhex(shown["network"])
    if signed is None:
        return pack([[network, bytes(32), bytes(16), 0, 0, fields], bytes(64)])
    terms = [bytes.fromhex(signed["salt"]), int(signed["expires_at"]), int(signed["fee"])]
    payload = [network, key_of(signed["sender"]), *terms, fields]
    return pack([payload, bytes.fromhex(signed["signature"])])


def proof_bytes(shown):
    """The canonical bytes of a proof in JSON."""
    inclusion, ancestry = shown.get("inclusion"), shown.get("ancestry")
    if inclusion is not None:
        path = [["left" in step, bytes.fromhex(step.get("left") or step["right"])] for step in inclusion["path"]]
        transaction = transaction_bytes(inclusion["transaction"])
        if Transaction(transaction).id.hex() != inclusion["transaction"]["id"]:
            raise Wrong("the transaction that is shown is not the one with its id")
        inclusion = [transaction, path]
    if ancestry is not None:
        hashes = [[bytes.fromhex(one) for one in ancestry[name]] for name in ("siblings", "peaks")]
        ancestry = [int(ancestry["work"]).to_bytes(32, "big"), hashes]
    headers = [header_bytes(header) for header in shown["tail"]]
    return pack([1, header_bytes(shown["block"]), inclusion, ancestry, headers])


# Ballots ------------------------------------------------------------------------------------------------------


class Ballot:
    """A ballot out of the record that opened it, and the votes that count so far."""

    def __init__(self, transaction, header, parts):
        record = transaction.record()
        if not (isinstance(record, list) and len(record) == 7 and record[0] == 1):
            raise Wrong("the record that the ballot is named after opens none")
        _, self.question, self.choices, self.max, roll, self.closes, self.last = record
        self.id, self.opened = transaction.id, header.height
        self.by_members, keys, named = roll
        self.roll = None if self.by_members else set(keys)
        for name in named:
            if name not in parts:
                raise Wrong(f"the part {name.hex()[:10]} of the roll is missing, or was changed")
            self.roll.update(parts[name])
        self.votes = {}

    def is_closed(self, header):
        return header.height > self.last or (self.closes is not None and header.time >= self.closes)

    def count(self, transaction, header):
        """Counts a vote that is in a block: one that can't count can't be in a block."""
        _, _, revision, choices = transaction.record()
        name = f"the vote {transaction.id.hex()[:10]} in the block at height {header.height}"
        before = self.votes.get(transaction.sender)
        if self.is_closed(header):
            raise Wrong(f"{name} came after the close")
        if self.roll is not None and transaction.sender not in self.roll:
            raise Wrong(f"{name} is of nobody on the roll")
        if not 1 <= len(choices) <= self.max or choices != sorted(set(choices)):
            raise Wrong(f"{name} has too many choices, or none")
        if choices[-1] >= len(self.choices):
            raise Wrong(f"{name} chooses what there is not")
        if before and revision <= before[0]:
            raise Wrong(f"{name} is not above the vote before it")
        if before and before[2] >= MAX_REVISIONS:
            raise Wrong(f"{name} is the ninth of its voter")
        if not transaction.is_signed():
            raise Wrong(f"{name} is not signed by its voter")
        self.votes[transaction.sender] = (revision, choices, before[2] + 1 if before else 1)

    def tally(self):
        counts = [0] * len(self.choices)
        for _, choices, _ in self.votes.values():
            for choice in choices:
                counts[choice] += 1
        return counts


def read_lines(lines):
    for number, line in enumerate(lines, 1):
        try:
            (kind, content), = json.loads(line).items()
        except (ValueError, AttributeError):
            raise Wrong(f"line {number} is none of an audit") from None
        yield kind, content


def audit(lines, trust):
    """Counts a ballot again. What it came to."""
    lines = read_lines(lines)
    kind, head = next(lines, (None, None))
    if kind != "head" or head.get("raclette_vote_audit") != 1:
        raise Wrong("this is no audit of a version that is known here")
    wanted, network = bytes.fromhex(head["ballot"]), bytes.fromhex(head["network"])
    ballot = before = end = first = None
    # The ballot names them by their hashes.
    parts = {derive(ROLL, part): unpack(part) for part in map(bytes.fromhex, head["parts"])}
    result = None
    for kind, content in lines:
        if kind == "end":
            end = content
            break
        if result is not None:
            raise Wrong("there are blocks behind that of the result")
        header = Header(bytes.fromhex(content["header"]))
        if before is not None and not header.follows(before):
            raise Wrong(f"a block is missing before the one at height {header.height}")
        transactions = [Transaction(bytes.fromhex(one)) for one in content["transactions"]]
        if transactions_root([one.witness for one in transactions]) != header.root:
            raise Wrong(f"the transactions of the block at height {header.height} are not those of its header")
        for one in transactions:
            if one.network != network:
                raise Wrong(f"the block at height {header.height} is of another network")
            record = one.record()
            if record is None:
                continue
            if one.id == wanted:
                ballot = Ballot(one, header, parts)
                if not one.is_signed():
                    raise Wrong("the record that opens the ballot is not signed")
            elif record[0] == 3 and record[1] == wanted and ballot is not None:
                ballot.count(one, header)
            elif record[0] == 4 and record[1] == wanted and ballot is not None:
                if not ballot.is_closed(header):
                    raise Wrong("the result came before the close")
                if (record[2], record[3]) != (ballot.tally(), len(ballot.votes)):
                    raise Wrong(f"the result says {record[2]}, but the votes come to {ballot.tally()}")
                result = one
        if ballot is None:
            raise Wrong("the first block does not open the ballot")
        first = first or header
        before = header
    if end is None or next(lines, None) is not None:
        raise Wrong("the audit is cut off, or goes on behind its end")
    for one in map(Transaction, map(bytes.fromhex, end["not_mined"])):
        record = one.record()
        if one.network != network or record is None or record[:2] != [3, wanted] or not one.is_signed():
            raise Wrong("what is shown as not mined is no signed vote of this ballot")
    shown = [(one["choice"], one["votes"]) for one in head["choices"]]
    if (head["question"], head["voters"]) != (ballot.question, len(ballot.votes)):
        raise Wrong("the question or the number of voters that are shown are not what was signed")
    if shown != list(zip(ballot.choices, ballot.tally())):
        raise Wrong("the choices or votes that are shown are not what was signed")
    if end["result"] != (result.id.hex() if result else None):
        raise Wrong("the result that is named is not the one in the last block")
    block, _, leads_to, work = check_proof(bytes.fromhex(end["proof"]), trust)
    if block.id != before.id:
        raise Wrong("the proof is of another block than the last one")
    return {
        "verdict": "correct" if result else "incomplete",
        "ballot": wanted.hex(),
        "question": ballot.question,
        "choices": [{"choice": name, "votes": votes} for name, votes in zip(ballot.choices, ballot.tally())],
        "voters": len(ballot.votes),
        "roll": None if ballot.by_members else len(ballot.roll),
        "blocks": [first.height, before.height],
        "leads_to": leads_to.hex(),
        "work": str(work),
        "not_mined": len(end["not_mined"]),
    }


def receipt(data, trust):
    """Checks a proof of a block or transaction."""
    if data[:1] == b"{":
        data = proof_bytes(json.loads(data))
    block, transaction, leads_to, work = check_proof(data, trust)
    return {
        "verdict": "correct",
        "transaction": transaction.id.hex() if transaction else None,
        "block": block.id.hex(),
        "height": block.height,
        "leads_to": leads_to.hex(),
        "work": str(work),
    }


def visible(text):
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def tell(told, trusted):
    if "choices" in told:
        print(visible(told["question"]))
        for one in told["choices"]:
            print(f"  {one['votes']:>6}  {visible(one['choice'])}")
        of = "the members of that time" if told["roll"] is None else f"{told['roll']} on the roll"
        print(f"{told['voters']} voted, of {of}; every block from {told['blocks'][0]} to {told['blocks'][1]} is here")
        if told["roll"] is None:
            print("who was a member then is not in this file: every node judged it, and mined the result")
        if told["not_mined"]:
            print(f"{told['not_mined']} votes that the node had open are in no block: nobody mined them in time")
    else:
        what = f"the transaction {told['transaction']}" if told["transaction"] else "the block"
        print(f"{what} is in the block at height {told['height']}")
    if trusted:
        print("it leads to the block that you trust")
    else:
        print(f"it leads to the block {told['leads_to']}, with {told['work']} hashes behind it: see whether a node")
        print("of your own has that block, or say --trust ID")
    print(told["verdict"] + ("" if told["verdict"] == "correct" else ": the result is in no block yet"))


def main():
    parser = argparse.ArgumentParser(description="Counts a ballot again, or checks a receipt, without the program node.")
    parser.add_argument("file", help="what `node vote audit` or `node prove` wrote")
    parser.add_argument("--trust", metavar="ID", help="a block that you know to be on the chain")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    try:
        trust = bytes.fromhex(arguments.trust) if arguments.trust else None
        with open(arguments.file, "rb") as file:
            data = file.read()
    except (OSError, ValueError) as error:
        parser.error(str(error))
    try:
        is_audit = data.startswith(b'{"head"')
        told = audit(data.decode().splitlines(), trust) if is_audit else receipt(data, trust)
    except Wrong as wrong:
        told = {"verdict": "wrong", "reason": str(wrong)}
    except (KeyError, ValueError, TypeError, IndexError, AttributeError, OverflowError, struct.error) as error:
        told = {"verdict": "wrong", "reason": f"the file is not what it should be: {error!r}"}
    if arguments.json:
        print(json.dumps(told))
    elif told["verdict"] == "wrong":
        print(f"wrong: {told['reason']}")
    else:
        tell(told, trust is not None)
    return {"correct": 0, "wrong": 1, "incomplete": 3}[told["verdict"]]


if __name__ == "__main__":
    sys.exit(main())
