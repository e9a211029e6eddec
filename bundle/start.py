"""The script with which a desktop host's uv starts Taskhand. It stands beside the package, so that it imports that."""

import os

from taskhand.__main__ import main

for _name, _value in tuple(os.environ.items()):
    # Some hosts ignore the default and pass on the placeholder of an empty field.
    if _value.startswith("${user_config."):
        del os.environ[_name]

main()
