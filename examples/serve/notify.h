/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tell systemd how it stands, sd_notify(3), without its library. */
#ifndef SERVE_NOTIFY_H
#define SERVE_NOTIFY_H

/* lines: "READY=1", or several with line ends between. Nothing happens outside of systemd. */
void serve_notify(const char *lines);
/* "RELOADING=1", with the time that systemd wants beside it. */
void serve_notify_reloading(void);

#endif
