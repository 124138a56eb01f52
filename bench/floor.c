/* The floor of the cost of an ICMP probe: what a prober in C needs that does as little as one can and still has every
 * figure: sendmmsg and recvmmsg, one wake-up a tick, round trips between the kernel's own stamps.
 *
 *   floor FIRST COUNT INTERVAL TICK       e.g. floor 10.66.1.1 1000 1000000000 50000000
 *
 * COUNT targets at consecutive addresses, each probed every INTERVAL nanoseconds, evenly spread; every TICK nanoseconds it
 * sends what is due and reads what came. Per target it keeps how many were sent and answered and the sum, the least and the
 * largest round trip; a reply is matched by sequence number, cookie and source, a second one is not counted. TICK 0 probes
 * without pause, 64 to a batch. After SIGTERM it prints `sent answered mean_rtt_ns`.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define S 1000000000LL
#define BATCH 512           /* packets to a system call */
#define UNPACED 64
#define FLIGHTS 65536       /* as many as there are sequence numbers */
#define BUFFER (8 << 20)    /* bytes, both ways */
#define PAYLOAD 56

struct echo {
    struct icmphdr header;
    uint64_t cookie, number;
    uint8_t filler[PAYLOAD - 16];
};

struct target {
    struct sockaddr_in address;
    uint64_t sent, answered;
    int64_t sum, least, largest;
};

struct flight {
    struct target *target; /* NULL once it is answered */
    uint64_t number;
    int64_t sent, arrived;
};

static volatile sig_atomic_t stopped;
static int probe;
static uint64_t cookie, number;
static struct flight flights[FLIGHTS];

static struct echo echoes[BATCH];
static struct mmsghdr out[BATCH], in[BATCH];
static struct iovec out_parts[BATCH], in_parts[BATCH];
static struct sockaddr_in sources[BATCH];
static uint8_t replies[BATCH][128], controls[BATCH][256];

static void stop(int signal_number)
{
    (void)signal_number;
    stopped = 1;
}

static int64_t now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * S + at.tv_nsec;
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void open_socket(void)
{
    int size = BUFFER, stamps = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE |
                                SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_OPT_TSONLY | SOF_TIMESTAMPING_OPT_CMSG;
    probe = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, IPPROTO_ICMP);
    if (probe < 0)
        fail("socket");
    if (setsockopt(probe, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) ||
        setsockopt(probe, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size))
        fail("buffers");
    if (setsockopt(probe, SOL_SOCKET, SO_TIMESTAMPING, &stamps, sizeof stamps))
        fail("SO_TIMESTAMPING");
    for (int i = 0; i < BATCH; i++) {
        echoes[i].header.type = ICMP_ECHO;
        out_parts[i] = (struct iovec){&echoes[i], sizeof echoes[i]};
        in_parts[i] = (struct iovec){replies[i], sizeof replies[i]};
        out[i].msg_hdr = (struct msghdr){.msg_namelen = sizeof(struct sockaddr_in), .msg_iov = &out_parts[i], .msg_iovlen = 1};
        in[i].msg_hdr = (struct msghdr){.msg_name = &sources[i], .msg_iov = &in_parts[i], .msg_iovlen = 1};
    }
}

static int read_some(int flags)
{
    for (int i = 0; i < BATCH; i++) {
        in[i].msg_hdr.msg_control = controls[i];
        in[i].msg_hdr.msg_controllen = sizeof controls[i];
        in[i].msg_hdr.msg_namelen = sizeof sources[i];
    }
    int count = recvmmsg(probe, in, BATCH, flags | MSG_DONTWAIT, NULL);
    return count < 0 ? 0 : count;
}

/* The stamp of a message, 0 without one; `key` is set to the number the kernel gave the packet, where it says one. */
static int64_t stamp_of(struct msghdr *message, uint32_t *key)
{
    int64_t stamp = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPING) {
            struct scm_timestamping *stamps = (struct scm_timestamping *)CMSG_DATA(c);
            stamp = stamps->ts[0].tv_sec * S + stamps->ts[0].tv_nsec;
        } else if (c->cmsg_level == IPPROTO_IP && key) {
            struct sock_extended_err *error = (struct sock_extended_err *)CMSG_DATA(c);
            *key = error->ee_origin == SO_EE_ORIGIN_TIMESTAMPING ? error->ee_data : UINT32_MAX;
        }
    }
    return stamp;
}

static void settle(struct flight *flight)
{
    struct target *target = flight->target;
    int64_t rtt = flight->arrived - flight->sent;
    if (!target || !flight->sent || !flight->arrived)
        return;
    if (!target->answered || rtt < target->least)
        target->least = rtt;
    if (rtt > target->largest)
        target->largest = rtt;
    target->sum += rtt;
    target->answered++;
    flight->target = NULL;
}

static void drain(void)
{
    int count;
    while ((count = read_some(MSG_ERRQUEUE)) > 0) /* when packets left; the key counts sends from 0 as `number` does */
        for (int i = 0; i < count; i++) {
            uint32_t key = UINT32_MAX;
            int64_t stamp = stamp_of(&in[i].msg_hdr, &key);
            struct flight *flight = &flights[key % FLIGHTS];
            if (stamp && flight->target && (uint32_t)flight->number == key) {
                flight->sent = stamp;
                settle(flight);
            }
        }
    while ((count = read_some(0)) > 0)
        for (int i = 0; i < count; i++) {
            struct echo *reply = (struct echo *)replies[i];
            struct flight *flight = &flights[ntohs(reply->header.un.echo.sequence)];
            if (in[i].msg_len != sizeof *reply || reply->header.type != ICMP_ECHOREPLY || reply->cookie != cookie ||
                !flight->target || flight->number != reply->number ||
                flight->target->address.sin_addr.s_addr != sources[i].sin_addr.s_addr)
                continue;
            flight->arrived = stamp_of(&in[i].msg_hdr, NULL);
            settle(flight);
        }
}

static void send_to(struct target *targets, long first, long count, long of)
{
    for (long done = 0; done < count;) {
        int size = count - done < BATCH ? count - done : BATCH;
        for (int i = 0; i < size; i++) {
            struct target *target = &targets[(first + done + i) % of];
            struct echo *echo = &echoes[i];
            echo->header.un.echo.sequence = htons(number % FLIGHTS);
            echo->cookie = cookie;
            echo->number = number;
            out[i].msg_hdr.msg_name = &target->address;
            flights[number % FLIGHTS] = (struct flight){.target = target, .number = number};
            target->sent++;
            number++;
        }
        for (int sent = 0; sent < size;) {
            int more = sendmmsg(probe, out + sent, size - sent, 0);
            if (more < 0)
                fail("sendmmsg");
            sent += more;
        }
        done += size;
    }
}

int main(int words, char **word)
{
    if (words != 5) {
        fputs("usage: floor FIRST COUNT INTERVAL TICK\n", stderr);
        return 64;
    }
    long of = atol(word[2]);
    int64_t interval = atoll(word[3]), tick = atoll(word[4]);
    struct target *targets = calloc(of, sizeof *targets);
    struct in_addr first;
    if (inet_pton(AF_INET, word[1], &first) != 1 || !targets)
        fail(word[1]);
    for (long i = 0; i < of; i++)
        targets[i].address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(ntohl(first.s_addr) + i)};
    open_socket();
    cookie = (uint64_t)now();
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    long done = 0;
    for (int64_t start = now(), at = start; !stopped;) {
        long due = tick ? (long)((at - start) / (double)interval * of) : done + UNPACED;
        send_to(targets, done % of, due - done, of);
        done = due;
        drain();
        if (tick) {
            at += tick;
            struct timespec until = {at / S, at % S};
            clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
        }
    }
    // What left last is answered soon; by then nobody measures any more.
    nanosleep(&(struct timespec){.tv_nsec = S / 2}, NULL);
    drain();
    uint64_t sent = 0, answered = 0;
    int64_t sum = 0;
    for (long i = 0; i < of; i++) {
        sent += targets[i].sent;
        answered += targets[i].answered;
        sum += targets[i].sum;
    }
    printf("%lu %lu %ld\n", sent, answered, answered ? (long)(sum / (int64_t)answered) : 0);
    return 0;
}
