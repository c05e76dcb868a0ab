/* Words to the service manager (systemd's NOTIFY_SOCKET), if there is one. */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

/* "READY=1", "STOPPING=1" …; nothing happens without a manager. */
void daemon_notify_manager(const char *state);

#endif
