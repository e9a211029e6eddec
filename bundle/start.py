"""Where a desktop host's uv starts Taskhand. It stands beside the package, so what is imported is what was bundled."""

import os

from taskhand.cli.main import main

for _name, _value in tuple(os.environ.items()):
    # A host that fills in no default leaves the placeholder of a field that was not filled in.
    if _value.startswith("${user_config."):
        del os.environ[_name]

main()
