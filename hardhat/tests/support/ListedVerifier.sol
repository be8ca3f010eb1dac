// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IHalo2Verifier} from "../../contracts/interfaces/IHalo2Verifier.sol";

/// @notice Accepts exactly the pairs of proof and instances that a test listed: logic can be driven with any numbers,
/// and a tampered instance is still refused. Proofs themselves are tested against the generated verifier.
contract ListedVerifier is IHalo2Verifier {
    mapping(bytes32 => bool) private _listed;

    function list(bytes memory proof, uint256[] memory instances) external {
        _listed[keccak256(abi.encode(proof, instances))] = true;
    }

    function verifyProof(bytes calldata proof, uint256[] calldata instances) external view returns (bool) {
        return _listed[keccak256(abi.encode(proof, instances))];
    }
}
