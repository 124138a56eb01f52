/* The far side of the benches: a TUN device behind which every address answers ICMP echoes, and accepts TCP connections on any
 * port, after 5 to 50 ms; and what it did, packet by packet.
 *
 *   responder NAME ADDRESS PREFIX LOG      e.g. responder far0 10.66.0.1 16 truth.bin
 *
 * The device is created in the network namespace of the caller, with ADDRESS/PREFIX as this side of it. Prints READY.
 * An address answers after 5 + 3 * (address & 15) milliseconds. Of a connection it answers the SYN and nothing else: who only
 * connects resets it. LOG gets one record an answer, in their order; it is complete once the process has ended after SIGTERM. Instants are CLOCK_MONOTONIC, nanoseconds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MS 1000000LL
#define CLASSES 16          /* delays; within one, what comes first leaves first */
#define WAITING 8192        /* packets of one class: a power of two, and more than 100 000 packets/s bring in 50 ms */
#define LARGEST 256         /* bytes of a packet */
#define QUEUE 20000         /* packets the device holds for us, so that a burst is not lost before we have seen it */
#define BURST 64            /* packets read before what is due gets its turn */
#define IDLE (100 * MS)
#define TCP_SYN 0x02
#define TCP_ACK 0x10
#define SYN_ACK_BYTES 40

struct entry {
    int64_t received, sent;
    uint32_t address;
    uint16_t ident, sequence; /* of an echo; of a SYN the port it came from, and 0 */
};

struct packet {
    int64_t received, due;
    ssize_t size;
    uint8_t bytes[LARGEST];
};

static struct packet waiting[CLASSES][WAITING];
static unsigned head[CLASSES], tail[CLASSES];
static volatile sig_atomic_t stopped;

static void stop(int number)
{
    (void)number;
    stopped = 1;
}

static int64_t now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * 1000 * MS + at.tv_nsec;
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* This side's address, device up. */
static void raise_device(const char *name, const char *address, int prefix)
{
    int control = socket(AF_INET, SOCK_DGRAM, 0);
    struct ifreq request = {0};
    struct sockaddr_in *in = (struct sockaddr_in *)&request.ifr_addr;
    char path[128];

    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    snprintf(path, sizeof path, "/proc/sys/net/ipv6/conf/%s/addr_gen_mode", name);
    FILE *mode = fopen(path, "w"); /* no link-local address, so no router solicitations among the probes */
    if (mode) {
        fputs("1", mode);
        fclose(mode);
    }
    request.ifr_qlen = QUEUE;
    if (ioctl(control, SIOCSIFTXQLEN, &request))
        fail("length of the queue");
    memset(&request.ifr_addr, 0, sizeof request.ifr_addr);
    in->sin_family = AF_INET;
    if (inet_pton(AF_INET, address, &in->sin_addr) != 1 || ioctl(control, SIOCSIFADDR, &request))
        fail("address");
    in->sin_addr.s_addr = htonl(prefix ? ~0U << (32 - prefix) : 0);
    if (ioctl(control, SIOCSIFNETMASK, &request))
        fail("netmask");
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    if (ioctl(control, SIOCSIFFLAGS, &request))
        fail("up");
    close(control);
}

static int is_echo(const struct packet *packet)
{
    const uint8_t *b = packet->bytes;
    return packet->size >= 28 && b[0] == 0x45 && b[9] == IPPROTO_ICMP && b[20] == 8;
}

static int is_syn(const struct packet *packet)
{
    const uint8_t *b = packet->bytes;
    return packet->size >= 40 && b[0] == 0x45 && b[9] == IPPROTO_TCP && (b[33] & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

static void swap(uint8_t *one, uint8_t *other, size_t size)
{
    uint8_t kept[4];
    memcpy(kept, one, size);
    memcpy(one, other, size);
    memcpy(other, kept, size);
}

/* Adds `size` bytes, an even number, in pairs. */
static uint32_t sum_of(const uint8_t *b, int size)
{
    uint32_t sum = 0;
    for (int i = 0; i < size; i += 2)
        sum += b[i] << 8 | b[i + 1];
    return sum;
}

/* What makes the sum of the whole come out as all ones (RFC 1071). */
static void put_checksum(uint8_t *at, uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    at[0] = ~sum >> 8;
    at[1] = ~sum;
}

/* Request -> reply: addresses change places, the type 8 becomes 0, and the checksum of ICMP follows (RFC 1624). */
static void turn_echo(uint8_t *b)
{
    uint32_t sum = (b[22] << 8 | b[23]) + 0x0800;

    swap(b + 12, b + 16, 4);
    b[20] = 0;
    sum = (sum & 0xffff) + (sum >> 16);
    b[22] = sum >> 8;
    b[23] = sum;
}

/* SYN -> SYN-ACK without options, of forty bytes. */
static void turn_syn(uint8_t *b)
{
    uint32_t next = ((uint32_t)b[24] << 24 | b[25] << 16 | b[26] << 8 | b[27]) + 1;
    const uint8_t rest[12] = {next >> 24, next >> 16, next >> 8, next, 5 << 4, TCP_SYN | TCP_ACK, 0xff, 0xff};

    b[2] = 0;
    b[3] = SYN_ACK_BYTES;
    swap(b + 12, b + 16, 4);
    swap(b + 20, b + 22, 2);
    memset(b + 10, 0, 2);
    put_checksum(b + 10, sum_of(b, 20));
    memset(b + 24, 0, 4); /* our own sequence number */
    memcpy(b + 28, rest, sizeof rest);
    put_checksum(b + 36, sum_of(b + 12, SYN_ACK_BYTES - 12) + IPPROTO_TCP + SYN_ACK_BYTES - 20);
}

static int take(int device)
{
    int count = 0;
    for (; count < BURST; count++) {
        static struct packet packet;
        packet.size = read(device, packet.bytes, sizeof packet.bytes);
        if (packet.size < 0) {
            if (errno != EAGAIN && errno != EINTR)
                fail("read");
            break;
        }
        packet.received = now();
        if (!is_echo(&packet) && !is_syn(&packet))
            continue;
        int class = packet.bytes[19] & (CLASSES - 1);
        packet.due = packet.received + (5 + 3 * class) * MS;
        if (head[class] - tail[class] == WAITING) {
            fputs("more packets than this far side can hold\n", stderr);
            exit(1);
        }
        waiting[class][head[class]++ % WAITING] = packet;
    }
    return count;
}

/* Sends what is due; when the next one is. */
static int64_t give(int device, FILE *log)
{
    int64_t next = now() + IDLE;
    for (int class = 0; class < CLASSES; class++) {
        while (tail[class] != head[class]) {
            struct packet *packet = &waiting[class][tail[class] % WAITING];
            if (packet->due > now()) {
                if (packet->due < next)
                    next = packet->due;
                break;
            }
            uint8_t *b = packet->bytes;
            struct entry entry = {.received = packet->received};
            entry.address = (uint32_t)b[16] << 24 | b[17] << 16 | b[18] << 8 | b[19];
            if (is_echo(packet)) {
                entry.ident = b[24] << 8 | b[25];
                entry.sequence = b[26] << 8 | b[27];
                turn_echo(b);
            } else {
                entry.ident = b[20] << 8 | b[21];
                packet->size = SYN_ACK_BYTES;
                turn_syn(b);
            }
            entry.sent = now();
            if (write(device, b, packet->size) != packet->size)
                fail("write");
            fwrite(&entry, sizeof entry, 1, log);
            tail[class]++;
        }
    }
    return next;
}

int main(int count, char **words)
{
    if (count != 5) {
        fputs("usage: responder NAME ADDRESS PREFIX LOG\n", stderr);
        return 64;
    }
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    int device = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    FILE *log = fopen(words[4], "w");
    if (device < 0 || log == NULL)
        fail(device < 0 ? "/dev/net/tun" : words[4]);
    setvbuf(log, NULL, _IOFBF, 1 << 20);
    strncpy(request.ifr_name, words[1], IFNAMSIZ - 1);
    if (ioctl(device, TUNSETIFF, &request))
        fail("TUNSETIFF");
    raise_device(words[1], words[2], atoi(words[3]));
    mlockall(MCL_CURRENT | MCL_FUTURE); /* a page fault would be a late answer; where it is not allowed, answers may be late */
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    puts("READY");
    fflush(stdout);
    while (!stopped) {
        int64_t next = give(device, log);
        if (take(device) > 0)
            continue;
        int64_t left = next - now();
        if (left <= 0)
            continue;
        struct timespec wait = {left / (1000 * MS), left % (1000 * MS)};
        struct pollfd readable = {.fd = device, .events = POLLIN};
        ppoll(&readable, 1, &wait, NULL);
    }
    return fclose(log) ? 1 : 0;
}
