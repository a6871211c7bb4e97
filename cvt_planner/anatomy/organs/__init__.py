"""What lies around the spine: body and skin, lungs and air, and the aorta where contrast medium shows it."""
