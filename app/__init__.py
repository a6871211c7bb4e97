"""The window: Qt and VTK, standing on the core."""

from app.lasting import keep_constants_alive

keep_constants_alive()
