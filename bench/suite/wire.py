"""What passes between two processes on loopback, with the kernel's time of each segment: how long a client takes from
the arrival of a message to its answer, whatever the client. Needs the right to open a packet socket (root)."""

import os
import socket
import struct

SO_TIMESTAMPNS = 35
SO_RCVBUFFORCE = 33
ROOM = 16 << 20
ETH_P_IP = 0x0800
ESTABLISHED, LISTEN = "01", "0A"
MESSAGE = 100  # bytes of a segment from which on it carries a message: an acknowledgement, a keepalive are shorter


def sockets(pid):
    """{(state, local port, remote port)} of a process's TCP sockets over IPv4."""
    inodes = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{fd}")
        except OSError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    found = set()
    with open("/proc/net/tcp") as f:
        for line in f.readlines()[1:]:
            words = line.split()
            if words[9] in inodes:
                found.add((words[3], int(words[1].split(":")[1], 16), int(words[2].split(":")[1], 16)))
    return found


def ports_between(client, servers):
    """Local ports of the process `client` that lead to one of the processes `servers`."""
    listening = {local for pid in servers for state, local, _ in sockets(pid) if state == LISTEN}
    return {local for state, local, remote in sockets(client) if state == ESTABLISHED and remote in listening}


def segment(packet):
    """(source port, destination port, bytes of payload) of an Ethernet frame with TCP over IPv4; else None."""
    if len(packet) < 54 or packet[12:14] != b"\x08\x00" or packet[23] != socket.IPPROTO_TCP:
        return None
    tcp = 14 + 4 * (packet[14] & 15)
    if len(packet) < tcp + 20:
        return None
    whole = struct.unpack_from(">H", packet, 16)[0]
    source, destination = struct.unpack_from(">HH", packet, tcp)
    return source, destination, whole - (tcp - 14) - 4 * (packet[tcp + 12] >> 4)


def answer_ns(seen, ports):
    """From the last message to one of `ports` until the first one back; `seen`: (ns, segment) in order. None: there
    was no message, or no answer."""
    asked = None
    for ns, (source, destination, length) in seen:
        if length < MESSAGE:
            continue
        if destination in ports:
            asked = ns
        elif source in ports and asked is not None:
            return ns - asked
    return None


class Wire:
    def __init__(self):
        """PermissionError: not the right to listen."""
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_IP))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, ROOM)
        self.socket.bind(("lo", 0))
        self.socket.setblocking(False)

    def close(self):
        self.socket.close()

    def seen(self):
        """Segments since the last call, as they arrived."""
        found = []
        while True:
            try:
                packet, ancillary, _, address = self.socket.recvmsg(128, 64)
            except BlockingIOError:
                return found
            if address[2] != socket.PACKET_HOST:
                continue
            part = segment(packet)
            if part and ancillary:
                seconds, ns = struct.unpack("qq", ancillary[0][2])
                found.append((seconds * 10**9 + ns, part))
