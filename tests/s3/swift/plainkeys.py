"""Swift's tempauth wants access keys of the form account:user; this lets a plain one stand for such a user."""
from swift.common.middleware.tempauth import TempAuth


class PlainKeys(TempAuth):
    def __init__(self, app, conf):
        super().__init__(app, conf)
        for pair in conf.get("plain_keys", "").split():
            key, user = pair.split("=", 1)
            self.users[key] = dict(self.users[user])


def filter_factory(global_conf, **local_conf):
    conf = {**global_conf, **local_conf}
    return lambda app: PlainKeys(app, conf)
