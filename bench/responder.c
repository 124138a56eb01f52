/* The far side of the ICMP benches: a TUN device behind which every address answers echoes after 5 to 50 ms, and what it
 * did, packet by packet.
 *
 *   responder NAME ADDRESS PREFIX LOG      e.g. responder far0 10.66.0.1 16 truth.bin
 *
 * The device is created in the network namespace of the caller, with ADDRESS/PREFIX as this side of it. Prints READY.
 * An address answers after 5 + 3 * (address & 15) milliseconds. LOG gets one record a packet, in the order of the answers;
 * it is complete once the process has ended after SIGTERM. Instants are CLOCK_MONOTONIC, nanoseconds.
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

struct entry {
    int64_t received, sent;
    uint32_t address;
    uint16_t ident, sequence;
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

/* Request -> reply: addresses change places, the type 8 becomes 0, and the checksum of ICMP follows (RFC 1624). */
static void turn(uint8_t *b)
{
    uint8_t source[4];
    uint32_t sum = (b[22] << 8 | b[23]) + 0x0800;

    memcpy(source, b + 12, 4);
    memcpy(b + 12, b + 16, 4);
    memcpy(b + 16, source, 4);
    b[20] = 0;
    sum = (sum & 0xffff) + (sum >> 16);
    b[22] = sum >> 8;
    b[23] = sum;
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
        if (!is_echo(&packet))
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
            struct entry entry = {.received = packet->received, .ident = b[24] << 8 | b[25], .sequence = b[26] << 8 | b[27]};
            entry.address = (uint32_t)b[16] << 24 | b[17] << 16 | b[18] << 8 | b[19];
            turn(b);
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
